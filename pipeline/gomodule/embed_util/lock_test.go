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

// A directory without a hash gets another payload while a program of the old one
// is running. The program goes on; on Windows its file is moved aside until it ends.
func TestReplacedWhileAProgramRuns(t *testing.T) {
	exe, err := os.Executable()
	mustDo(t, err)
	content, err := os.ReadFile(exe)
	mustDo(t, err)
	program := node{name: "program.exe", content: string(content), perm: 0o755}
	dir := filepath.Join(t.TempDir(), "tree")
	first := cleaned(t)(NewEmbeddedFilesWithTmpDir(os.DirFS(pack(t, []node{program})), dir, false))

	cmd := exec.Command(filepath.Join(first.GetExtractedPath(), "program.exe"))
	cmd.Env = append(os.Environ(), waitEnv+"=1")
	stdin, err := cmd.StdinPipe()
	mustDo(t, err)
	mustDo(t, cmd.Start())
	program.content = "another program"
	second, err := NewEmbeddedFilesWithTmpDir(os.DirFS(pack(t, []node{program})), dir, false)
	if err == nil {
		mustDo(t, second.Verify())
	}
	mustDo(t, stdin.Close())
	if err := cmd.Wait(); err != nil {
		t.Errorf("the old program: %v", err)
	}
	mustDo(t, err)
	mustDo(t, first.Cleanup())
	mustDo(t, second.Cleanup())
	for _, path := range []string{dir, dir + stateSuffix} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
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
