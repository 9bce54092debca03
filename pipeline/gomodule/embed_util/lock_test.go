package embed_util

import (
	"context"
	"errors"
	"io"
	"os"
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
