package extract

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// helperEnv makes the test binary a program that starts once and prints what
// happened. Its value is the payload's directory.
const helperEnv = "GOEMPY_TEST_START"

// waitEnv makes the test binary a program that waits for the end of its input.
const waitEnv = "GOEMPY_TEST_WAIT"

// workEnv makes that program make a working directory and wait.
const workEnv = "GOEMPY_TEST_WORK"

// orphanEnv makes that program start this one, of its tree, which takes over its input.
const orphanEnv = "GOEMPY_TEST_ORPHAN"

// pruneEnv makes that program prune and clean up, too.
const pruneEnv = "GOEMPY_TEST_PRUNE"

func TestMain(m *testing.M) {
	if os.Getenv(waitEnv) != "" {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	refuseLocks()
	packed := os.Getenv(helperEnv)
	if packed == "" {
		os.Exit(m.Run())
	}
	if os.Getenv(workEnv) != "" {
		w, err := NewWorkDir()
		if err == nil {
			err = os.WriteFile(filepath.Join(w.Path(), "file"), nil, 0o600)
		}
		if err != nil {
			fmt.Println("error", err)
			os.Exit(3)
		}
		fmt.Println(w.Path())
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the test kills it
	}
	var e *Files
	var err error
	if dir := os.Getenv("GOEMPY_TEST_DIR"); dir != "" {
		e, err = openGiven(os.DirFS(packed), dir, true)
	} else {
		e, err = openNamed(os.DirFS(packed), "test")
	}
	if err != nil {
		fmt.Println("error", err)
		os.Exit(3)
	}
	word := "warm"
	if e.at.fresh {
		word = "fresh"
	}
	if program := os.Getenv(orphanEnv); program != "" {
		cmd := exec.Command(filepath.Join(e.Dir(), program))
		cmd.Env = append(os.Environ(), waitEnv+"=1")
		cmd.Stdin = os.Stdin
		if err := cmd.Start(); err != nil {
			fmt.Println("error", err)
			os.Exit(3)
		}
	}
	fmt.Println(word, e.Dir())
	if os.Getenv(pruneEnv) != "" {
		gone, err := e.Prune(0)
		fmt.Printf("pruned %v %v\n", gone, errors.Join(err, e.Cleanup()))
	}
	if os.Getenv("GOEMPY_TEST_HOLD") != "" {
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the test lets go
	}
	os.Exit(0)
}

// helper is a start in a process of its own.
func helper(t testing.TB, packed string, env ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	testtree.Must(t, err)
	cmd := exec.Command(exe)
	// A program with the race detector sleeps a second before it exits.
	cmd.Env = append(append(os.Environ(), helperEnv+"="+packed, "GORACE=atexit_sleep_ms=0"), env...)
	return cmd
}

func TestKilledDuringExtraction(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.ManyFiles(60))
	want := testtree.Of(t, testtree.ManyFiles(60))
	e := start(t, packed)
	tree, state := e.at.loc.tree, e.at.loc.state()
	testtree.Must(t, e.Cleanup())
	marker := filepath.Join(state, "marker")
	// appears waits until a process has come so far.
	appears := func(path string) {
		for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
			if _, err := os.Lstat(path); err == nil {
				return
			}
		}
	}
	span := time.Hour
	for range 3 {
		cmd := helper(t, packed)
		testtree.Must(t, cmd.Start())
		appears(state)
		begin := time.Now()
		appears(marker)
		span = min(span, time.Since(begin))
		testtree.Must(t, cmd.Wait())
		testtree.Must(t, start(t, packed).Cleanup())
	}
	// Windows' clock may not have moved on.
	span = max(span, time.Millisecond)
	rounds := 24
	if testing.Short() {
		rounds = 10
	}
	half := 0
	for range rounds {
		cmd := helper(t, packed)
		testtree.Must(t, cmd.Start())
		appears(state)
		time.Sleep(rand.N(span * 5 / 4))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if _, err := os.Lstat(marker); err != nil {
			half++
		}
		next := start(t, packed)
		if next.Dir() != tree {
			t.Fatalf("extracted to %s", next.Dir())
		}
		if got := testtree.Dump(t, tree); got != want {
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
		testtree.Must(t, next.Cleanup())
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
