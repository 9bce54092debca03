package osfs

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// FileLock is an open file that can be locked. Nil is a lock that is not there.
type FileLock struct {
	path string
	f    *os.File
}

// OpenLock opens the file at path, and makes it if it is missing.
func OpenLock(path string) (*FileLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return &FileLock{path, f}, nil
}

// OpenDirLock returns nil: directories have no locks here.
func OpenDirLock(string) (*FileLock, error) { return nil, nil }

// lock takes the lock, or says that it is held by others.
func (l *FileLock) lock(shared, wait bool) (bool, error) {
	var flags uint32
	if !shared {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	if !wait {
		flags |= windows.LOCKFILE_FAIL_IMMEDIATELY
	}
	// The whole range of bytes that a file can have.
	err := windows.LockFileEx(windows.Handle(l.f.Fd()), flags, 0, ^uint32(0), ^uint32(0), new(windows.Overlapped))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION):
		return false, nil
	}
	return false, &os.PathError{Op: "lock", Path: l.path, Err: err}
}

// IsCurrent says whether the path still leads to what was opened.
func (l *FileLock) IsCurrent() bool {
	mine, err := l.f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(l.path)
	return err == nil && os.SameFile(mine, there)
}

// Close ends the lock.
func (l *FileLock) Close() error {
	if l == nil {
		return nil
	}
	return l.f.Close()
}

// CloseAndRemove ends the lock and removes its file, which Windows does only
// after it was closed; the file stays if another process has opened it by then.
func (l *FileLock) CloseAndRemove() {
	_ = l.Close()
	_ = os.Remove(l.path)
}

// Enforced says whether the lock keeps others off.
func (l *FileLock) Enforced() bool { return true }
