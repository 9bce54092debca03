package embed_util

import (
	"context"
	"errors"
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
)

func TestContextEndsTheWait(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, sample())
	e := start(t, payload)
	path := filepath.Join(e.GetExtractedPath(), "lib", "same.py")
	mustDo(t, os.WriteFile(path, []byte("damaged"), 0o644))
	lock, err := takeLock(t.Context(), e.at.place.lockPath(), waitExclusive)
	mustDo(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := NewEmbeddedFiles(os.DirFS(payload), "test", WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error: %v", err)
	}
	mustDo(t, lock.Close())
	start(t, payload, WithContext(t.Context()))
	mustDo(t, e.Verify())
}

// A start that finds everything in place waits for nobody.
func TestWarmStartNeedsNoLock(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, sample())
	e := start(t, payload)
	lock, err := takeLock(t.Context(), e.at.place.lockPath(), waitExclusive)
	mustDo(t, err)
	defer lock.Close()
	start(t, payload)
}

func TestLockOfARemovedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := takeLock(t.Context(), path, waitExclusive)
	mustDo(t, err)
	defer first.Close()
	second, err := openLock(path)
	mustDo(t, err)
	defer second.Close()
	if os.Remove(path) != nil {
		t.Skip("this system keeps files that are open")
	}
	// A third one makes the file anew, perhaps with the number of the old one.
	third, err := takeLock(t.Context(), path, waitExclusive)
	mustDo(t, err)
	defer third.Close()
	mustDo(t, first.Close())
	if l, err := second.take(t.Context(), waitExclusive); !errors.Is(err, errGone) || l != nil {
		t.Errorf("locked a file that is not there: %v, %v", l, err)
	}
}

// ownProgram is this test binary as a file of a tree.
func ownProgram(t testing.TB, name string) node {
	t.Helper()
	exe, err := os.Executable()
	mustDo(t, err)
	content, err := os.ReadFile(exe)
	mustDo(t, err)
	return node{name: name, content: string(content), perm: 0o755}
}

// running starts a program of a tree; the returned function lets it end.
func running(t testing.TB, path string) (end func()) {
	t.Helper()
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), waitEnv+"=1")
	stdin, err := cmd.StdinPipe()
	mustDo(t, err)
	mustDo(t, cmd.Start())
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
	old := []node{ownProgram(t, "both.exe"), ownProgram(t, "old.exe")}
	first := cleaned(t)(NewEmbeddedFilesWithTmpDir(os.DirFS(pack(t, old)), dir, false))
	endBoth := running(t, filepath.Join(dir, "both.exe"))
	endOld := running(t, filepath.Join(dir, "old.exe"))

	payload := os.DirFS(pack(t, []node{{name: "both.exe", content: "another program"}}))
	second := cleaned(t)(NewEmbeddedFilesWithTmpDir(payload, dir, false))
	mustDo(t, second.Verify())
	mustBeGone(t, filepath.Join(dir, "old.exe"))
	endBoth()
	endOld()
	mustDo(t, first.Cleanup())
	mustDo(t, second.Cleanup())
	mustBeGone(t, dir, dir+stateSuffix)
}

// Windows keeps the files of a running program. The tree then stays whole.
func TestCleanupWhileAProgramRuns(t *testing.T) {
	ownPlaces(t)
	nodes := []node{ownProgram(t, "program.exe"), {name: "lib/"}, {name: "lib/a.py", content: "a"}}
	e := start(t, pack(t, nodes))
	tree := e.GetExtractedPath()
	end := running(t, filepath.Join(tree, "program.exe"))
	err := e.Cleanup()
	if runtime.GOOS == "windows" {
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "end program.exe (process ") {
			t.Errorf("error: %v", err)
		}
		if _, err := os.Stat(filepath.Join(tree, "lib", "a.py")); err != nil {
			t.Error(err)
		}
	} else if err != nil {
		t.Error(err)
	}
	end()
	mustDo(t, e.Cleanup())
	mustBeGone(t, tree, tree+stateSuffix)
}

func TestCleanupAgainAfterAnError(t *testing.T) {
	ownPlaces(t)
	e := start(t, pack(t, sample()))
	tree := e.GetExtractedPath()
	// A file in the tree's place is nobody's tree.
	mustDo(t, os.Rename(tree, tree+"-away"))
	mustDo(t, os.WriteFile(tree, nil, 0o600))
	if err := e.Cleanup(); !errors.Is(err, ErrUnsafeDir) || !strings.Contains(err.Error(), "is not a directory") {
		t.Errorf("error: %v", err)
	}
	mustDo(t, os.Remove(tree))
	mustDo(t, os.Rename(tree+"-away", tree))
	mustDo(t, e.Cleanup())
	mustBeGone(t, tree, tree+stateSuffix)
}

// Programs that have a file open when it is repaired keep what they have. On
// Windows they keep it from being repaired, unless they are running from it.
func TestRepairDoesNotWriteInPlace(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, sample())
	e := start(t, payload)
	path := filepath.Join(e.GetExtractedPath(), "lib", "same.py")
	mustDo(t, os.WriteFile(path, []byte("x = 2\n"), 0o644))
	f, err := os.Open(path)
	mustDo(t, err)
	defer f.Close()
	if err := e.Repair(); runtime.GOOS == "windows" {
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "end programs that use it") {
			t.Errorf("error: %v", err)
		}
		mustDo(t, f.Close())
		mustDo(t, e.Repair())
		mustDo(t, e.Verify())
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
