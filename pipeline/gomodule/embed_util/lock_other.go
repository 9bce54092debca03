//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package embed_util

import (
	"os"
	"runtime"

	"github.com/gofrs/flock"
)

// fileLock is a file that can be locked. Nil is a lock that is not there.
type fileLock struct {
	path   string
	before os.FileInfo
	l      *flock.Flock
}

// openLock makes the file at path if it is missing. It is opened again to be
// locked: this is for Windows, where a file that is open cannot be removed.
func openLock(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &fileLock{path, st, flock.New(path)}, nil
}

func openDirLock(string) (*fileLock, error) { return nil, nil }

// lock takes the lock, or says that it is held by others.
func (l *fileLock) lock(shared, wait bool) (bool, error) {
	switch {
	case shared && wait:
		return true, l.l.RLock()
	case shared:
		return l.l.TryRLock()
	case wait:
		return true, l.l.Lock()
	}
	return l.l.TryLock()
}

// stands says whether the path still leads to what was opened.
func (l *fileLock) stands() bool {
	there, err := os.Stat(l.path)
	return err == nil && os.SameFile(l.before, there)
}

// Close ends the lock.
func (l *fileLock) Close() error {
	if l == nil {
		return nil
	}
	return l.l.Close()
}

// closeAndRemove ends the lock and removes its file. Windows does not remove an
// open file, so there it is closed first; the file stays if another process has
// opened it by then.
func (l *fileLock) closeAndRemove() {
	if runtime.GOOS == "windows" {
		_ = l.Close()
	}
	_ = os.Remove(l.path)
	_ = l.Close()
}

func noLocks(error) bool { return false }
