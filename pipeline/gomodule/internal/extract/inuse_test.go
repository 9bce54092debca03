package extract

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// ownProgram is this test binary as a file of a tree.
func ownProgram(t testing.TB, name string) testtree.Node {
	t.Helper()
	exe, err := os.Executable()
	testtree.Must(t, err)
	content, err := os.ReadFile(exe)
	testtree.Must(t, err)
	return testtree.Node{Name: name, Content: string(content), Perm: 0o755}
}

// plain is nodes as they are: packing a large program takes seconds.
func plain(t testing.TB, nodes ...testtree.Node) fs.FS {
	t.Helper()
	return os.DirFS(plainDir(t, nodes...))
}

func plainDir(t testing.TB, nodes ...testtree.Node) string {
	t.Helper()
	dir := t.TempDir()
	testtree.Make(t, dir, nodes)
	return dir
}

// running starts a program of a tree; the returned function lets it end.
func running(t testing.TB, path string) (end func()) {
	t.Helper()
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), waitEnv+"=1")
	stdin, err := cmd.StdinPipe()
	testtree.Must(t, err)
	testtree.Must(t, cmd.Start())
	// Linux reports that a program has started a moment before its environment can be seen.
	for runtime.GOOS == "linux" {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", cmd.Process.Pid))
		if err != nil || len(environ) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	end = sync.OnceFunc(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program: %v", err)
		}
	})
	t.Cleanup(end)
	return end
}

func mustBeGone(t testing.TB, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
}

// A directory without a hash gets another payload while programs of the old one
// are running. They go on; on Windows their files are moved aside until they end.
func TestReplacedWhileProgramsRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tree")
	old := plain(t, ownProgram(t, "both.exe"), ownProgram(t, "old.exe"))
	first := cleaned(t)(openGiven(old, dir, false))
	endBoth := running(t, filepath.Join(dir, "both.exe"))
	endOld := running(t, filepath.Join(dir, "old.exe"))

	packed := os.DirFS(testpayload.Pack(t, []testtree.Node{{Name: "both.exe", Content: "another program"}}))
	second := cleaned(t)(openGiven(packed, dir, false))
	testtree.Must(t, second.Verify())
	mustBeGone(t, filepath.Join(dir, "old.exe"))
	endBoth()
	endOld()
	testtree.Must(t, first.Cleanup())
	testtree.Must(t, second.Cleanup())
	mustBeGone(t, dir, dir+stateSuffix)
}

// The tree of a running program stays whole, on Windows because the system keeps its files.
func TestCleanupWhileAProgramRuns(t *testing.T) {
	testtree.OwnPlaces(t)
	files := plain(t, ownProgram(t, "program.exe"), testtree.Node{Name: "lib/"}, testtree.Node{Name: "lib/a.py", Content: "a"})
	e := cleaned(t)(openNamed(files, "test"))
	tree := e.Dir()
	end := running(t, filepath.Join(tree, "program.exe"))
	err := e.Cleanup()
	if !errors.Is(err, osfs.ErrInUse) || !strings.Contains(err.Error(), "end program.exe (process ") {
		t.Errorf("error: %v", err)
	}
	if _, err := os.Stat(filepath.Join(tree, "lib", "a.py")); err != nil {
		t.Error(err)
	}
	end()
	testtree.Must(t, e.Cleanup())
	mustBeGone(t, tree, tree+stateSuffix)
}

// A program may outlive the process that started it, and that process's locks.
func TestTreeOfAnOrphan(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := plainDir(t, ownProgram(t, "program.exe"))
	cmd := helper(t, packed, orphanEnv+"=program.exe", "GOEMPY_TEST_HOLD=1")
	in, out, err := os.Pipe()
	testtree.Must(t, err)
	defer out.Close()
	cmd.Stdin = in
	stdout, err := cmd.StdoutPipe()
	testtree.Must(t, err)
	testtree.Must(t, cmd.Start())
	testtree.Must(t, in.Close())
	_, err = bufio.NewReader(stdout).ReadString('\n')
	testtree.Must(t, err)
	testtree.Must(t, cmd.Process.Kill())
	_ = cmd.Wait()

	now := start(t, testpayload.Pack(t, testtree.Sample()))
	if gone, err := now.Prune(0); err != nil || len(gone) != 0 {
		t.Errorf("Prune removed %q, %v", gone, err)
	}
	e := start(t, packed)
	tree := e.Dir()
	if err := e.Cleanup(); !errors.Is(err, osfs.ErrInUse) {
		t.Errorf("Cleanup: %v", err)
	}
	if _, err := os.Stat(filepath.Join(tree, "program.exe")); err != nil {
		t.Error(err)
	}
	testtree.Must(t, out.Close())
	for deadline := time.Now().Add(10 * time.Minute); e.Cleanup() != nil && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	mustBeGone(t, tree, tree+stateSuffix)
}

func TestCleanupAgainAfterAnError(t *testing.T) {
	testtree.OwnPlaces(t)
	e := start(t, testpayload.Pack(t, testtree.Sample()))
	tree := e.Dir()
	// A file in the tree's place is nobody's tree.
	testtree.Must(t, os.Rename(tree, tree+"-away"))
	testtree.Must(t, os.WriteFile(tree, nil, 0o600))
	if err := e.Cleanup(); !errors.Is(err, ErrUnsafeDir) || !strings.Contains(err.Error(), "is not a directory") {
		t.Errorf("error: %v", err)
	}
	testtree.Must(t, os.Remove(tree))
	testtree.Must(t, os.Rename(tree+"-away", tree))
	testtree.Must(t, e.Cleanup())
	mustBeGone(t, tree, tree+stateSuffix)
}

// Programs that have a file open when it is repaired keep what they have. On
// Windows they keep it from being repaired, unless they are running from it.
func TestRepairDoesNotWriteInPlace(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	e := start(t, packed)
	path := filepath.Join(e.Dir(), "lib", "same.py")
	testtree.Must(t, os.WriteFile(path, []byte("x = 2\n"), 0o644))
	f, err := os.Open(path)
	testtree.Must(t, err)
	defer f.Close()
	if err := e.Repair(); runtime.GOOS == "windows" {
		if !errors.Is(err, osfs.ErrInUse) || !strings.Contains(err.Error(), "end programs that use it") {
			t.Errorf("error: %v", err)
		}
		testtree.Must(t, f.Close())
		testtree.Must(t, e.Repair())
		testtree.Must(t, e.Verify())
		return
	} else if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(f); err != nil || string(b) != "x = 2\n" {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "x = 1\n" {
		t.Errorf("%q, %v", b, err)
	}
}
