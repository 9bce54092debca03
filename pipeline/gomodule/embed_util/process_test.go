package embed_util

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// helperEnv makes the test binary a program that starts once and prints what
// happened. Its value is the payload's directory.
const helperEnv = "GOEMPY_TEST_START"

// waitEnv makes the test binary a program that waits for the end of its input.
const waitEnv = "GOEMPY_TEST_WAIT"

func TestMain(m *testing.M) {
	if os.Getenv(waitEnv) != "" {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	payload := os.Getenv(helperEnv)
	if payload == "" {
		os.Exit(m.Run())
	}
	var e *EmbeddedFiles
	var err error
	if dir := os.Getenv("GOEMPY_TEST_DIR"); dir != "" {
		e, err = NewEmbeddedFilesWithTmpDir(os.DirFS(payload), dir, true)
	} else {
		e, err = NewEmbeddedFiles(os.DirFS(payload), "test")
	}
	if err != nil {
		fmt.Println("error", err)
		os.Exit(3)
	}
	word := "warm"
	if e.at.fresh {
		word = "fresh"
	}
	fmt.Println(word, e.GetExtractedPath())
	if os.Getenv("GOEMPY_TEST_HOLD") != "" {
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the test lets go
	}
	os.Exit(0)
}

// helper is a start in a process of its own.
func helper(t testing.TB, payload string, env ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	mustDo(t, err)
	cmd := exec.Command(exe)
	// A program with the race detector sleeps a second before it exits.
	cmd.Env = append(append(os.Environ(), helperEnv+"="+payload, "GORACE=atexit_sleep_ms=0"), env...)
	return cmd
}

// manyFiles is a tree that takes a while to write.
func manyFiles(n int) []node {
	nodes := []node{{name: "bin/"}, {name: "bin/python3", content: "#!/bin/sh\necho ok\n", perm: 0o755}}
	nodes = append(nodes, node{name: "lib/"}, node{name: "lib/link", target: "d0"})
	for i := range n {
		dir := fmt.Sprintf("lib/d%d/", i%10)
		if i < 10 {
			nodes = append(nodes, node{name: dir})
		}
		nodes = append(nodes, node{name: fmt.Sprintf("%sf%d.py", dir, i), content: strings.Repeat(fmt.Sprintf("line %d\n", i), 200)})
	}
	return nodes
}

func TestKilledDuringExtraction(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, manyFiles(100))
	want := treeOf(t, manyFiles(100))
	e := start(t, payload)
	tree, state := e.at.place.tree, e.at.place.state()
	mustDo(t, e.Cleanup())
	marker := filepath.Join(state, "marker")
	// appears waits until a process has come so far.
	appears := func(path string) {
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
			if _, err := os.Lstat(path); err == nil {
				return
			}
		}
	}
	span := time.Hour
	for range 3 {
		cmd := helper(t, payload)
		mustDo(t, cmd.Start())
		appears(state)
		begin := time.Now()
		appears(marker)
		span = min(span, time.Since(begin))
		mustDo(t, cmd.Wait())
		mustDo(t, start(t, payload).Cleanup())
	}
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	half := 0
	for range rounds {
		cmd := helper(t, payload)
		mustDo(t, cmd.Start())
		appears(state)
		time.Sleep(rand.N(span * 5 / 4))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if _, err := os.Lstat(marker); err != nil {
			half++
		}
		next := start(t, payload)
		if next.GetExtractedPath() != tree {
			t.Fatalf("extracted to %s", next.GetExtractedPath())
		}
		if got := dump(t, tree); got != want {
			t.Fatalf("after a kill:\n%s", got)
		}
		if runtime.GOOS != "windows" { // which runs no scripts
			out, err := exec.Command(filepath.Join(tree, "bin", "python3")).Output()
			if err != nil || string(out) != "ok\n" {
				t.Fatalf("the interpreter: %q, %v", out, err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(tree+stateSuffix, "*-*")); len(left) > 0 {
			t.Fatalf("left: %q", left)
		}
		mustDo(t, next.Cleanup())
		if _, err := os.Lstat(tree); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("Cleanup left the tree: %v", err)
		}
	}
	t.Logf("%d of %d were killed before they were ready", half, rounds)
	// How many depends on the machine; without any, nothing was tried.
	if half < rounds/20 {
		t.Errorf("only %d of %d were killed half-way", half, rounds)
	}
}

func TestManyColdStarts(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, manyFiles(150))
	n := 64
	if testing.Short() {
		n = 8
	}
	cmds := make([]*exec.Cmd, n)
	outs := make([]bytes.Buffer, n)
	for i := range cmds {
		cmds[i] = helper(t, payload)
		cmds[i].Stdout = &outs[i]
		cmds[i].Stderr = &outs[i]
	}
	for _, cmd := range cmds {
		mustDo(t, cmd.Start())
	}
	fresh := 0
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("start %d: %v: %s", i, err, outs[i].String())
		}
		if strings.HasPrefix(outs[i].String(), "fresh ") {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d of %d have extracted", fresh, n)
	}
	e := start(t, payload)
	mustDo(t, e.Verify())
}

// The same inside one process.
func TestManyGoroutines(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, manyFiles(50))
	results := make(chan *EmbeddedFiles)
	for range 16 {
		go func() {
			e, err := NewEmbeddedFiles(os.DirFS(payload), "test")
			if err != nil {
				t.Error(err)
			}
			results <- e
		}()
	}
	var all []*EmbeddedFiles
	fresh := 0
	for range 16 {
		e := <-results
		if e == nil {
			continue
		}
		all = append(all, e)
		if e.at.fresh {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d have extracted", fresh)
	}
	for i, e := range all {
		tree := e.GetExtractedPath()
		mustDo(t, e.Cleanup())
		if _, err := os.Lstat(tree); (err == nil) != (i < len(all)-1) {
			t.Errorf("after %d of %d calls of Cleanup: %v", i+1, len(all), err)
		}
	}
}

// hold starts a process that uses a tree until the returned function is called.
func hold(t testing.TB, payload string, env ...string) (tree string, release func()) {
	t.Helper()
	cmd := helper(t, payload, append(env, "GOEMPY_TEST_HOLD=1")...)
	in, err := cmd.StdinPipe()
	mustDo(t, err)
	out, err := cmd.StdoutPipe()
	mustDo(t, err)
	mustDo(t, cmd.Start())
	line := make([]byte, 4096)
	n, err := out.Read(line)
	mustDo(t, err)
	word, path, _ := strings.Cut(strings.TrimSpace(string(line[:n])), " ")
	if word == "error" {
		t.Fatal(path)
	}
	return path, func() {
		_ = in.Close()
		mustDo(t, cmd.Wait())
	}
}

func TestCleanupAndPruneLeaveUsedTrees(t *testing.T) {
	ownPlaces(t)
	old, current := pack(t, manyFiles(5)), pack(t, manyFiles(6))
	oldTree, release := hold(t, old)
	e := start(t, old)
	mustDo(t, e.Cleanup())
	if _, err := os.Stat(oldTree); err != nil {
		t.Fatalf("Cleanup removed a tree that is in use: %v", err)
	}
	now := start(t, current)
	if gone, err := now.Prune(0); err != nil || len(gone) != 0 {
		t.Fatalf("Prune removed %q, %v", gone, err)
	}
	release()
	if gone, err := now.Prune(time.Hour); err != nil || len(gone) != 0 {
		t.Fatalf("Prune removed what was used a moment ago: %q, %v", gone, err)
	}
	age(t, filepath.Join(oldTree+stateSuffix, "use"), 2*time.Hour)
	gone, err := now.Prune(time.Hour)
	if err != nil || len(gone) != 1 || gone[0] != oldTree {
		t.Fatalf("Prune removed %q, %v", gone, err)
	}
	for _, path := range []string{oldTree, oldTree + stateSuffix} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	if gone, err := now.Prune(0); err != nil || len(gone) != 0 {
		t.Errorf("the second Prune removed %q, %v", gone, err)
	}
	mustDo(t, now.Verify())
}

// An earlier version of this package left state directories on Windows.
func TestPruneReportsTreesOnly(t *testing.T) {
	ownPlaces(t)
	old, now := start(t, pack(t, manyFiles(5))), start(t, pack(t, manyFiles(6)))
	tree := old.GetExtractedPath()
	mustDo(t, old.Cleanup())
	mustDo(t, os.Mkdir(tree+stateSuffix, 0o700))
	mustDo(t, os.WriteFile(filepath.Join(tree+stateSuffix, "lock"), nil, 0o600))
	if gone, err := now.Prune(0); err != nil || len(gone) != 0 {
		t.Errorf("Prune removed %q, %v", gone, err)
	}
	if _, err := os.Lstat(tree + stateSuffix); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the state directory is still there: %v", err)
	}
}

// Cleaners of temp dirs remove files that are old, also those that are locked.
func TestPruneWithoutTheUseFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system keeps files that are open")
	}
	ownPlaces(t)
	old, current := pack(t, manyFiles(5)), pack(t, manyFiles(6))
	oldTree, release := hold(t, old)
	now := start(t, current)
	mustDo(t, os.Remove(filepath.Join(oldTree+stateSuffix, "use")))
	if gone, err := now.Prune(0); err != nil || len(gone) != 0 {
		t.Fatalf("Prune removed %q, %v", gone, err)
	}
	release()
	mustDo(t, os.RemoveAll(filepath.Join(oldTree+stateSuffix, "use")))
	if gone, err := now.Prune(time.Hour); err != nil || len(gone) != 0 {
		t.Fatalf("Prune removed what was extracted a moment ago: %q, %v", gone, err)
	}
	age(t, filepath.Join(oldTree+stateSuffix, "marker"), 2*time.Hour)
	if gone, err := now.Prune(time.Hour); err != nil || len(gone) != 1 {
		t.Fatalf("Prune removed %q, %v", gone, err)
	}
}

// A program that ran for long has used its tree until its end.
func TestCleanupTellsTheLastUse(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, manyFiles(5))
	tree, release := hold(t, payload)
	defer release()
	e := start(t, payload)
	use := filepath.Join(tree+stateSuffix, "use")
	age(t, use, 48*time.Hour)
	mustDo(t, e.Cleanup())
	if st, err := os.Stat(use); err != nil || time.Since(st.ModTime()) > time.Hour {
		t.Errorf("last used %v, %v", st.ModTime(), err)
	}
}

// A start that finds a tree while another process removes it makes it anew.
func TestStartsAgainstPrune(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, manyFiles(5))
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	done := make(chan error)
	for range 4 {
		go func() {
			for range rounds {
				cmd := helper(t, payload)
				if out, err := cmd.CombinedOutput(); err != nil {
					done <- fmt.Errorf("%w: %s", err, out)
					return
				}
				e, err := NewEmbeddedFiles(os.DirFS(payload), "test")
				if err == nil {
					err = e.Verify()
				}
				if err == nil {
					err = e.Cleanup()
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
