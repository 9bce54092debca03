//go:build !windows && (!unix || aix)

package osfs

import "os"

// FileLock keeps nobody off: there are no locks here.
type FileLock struct{}

// OpenLock makes the file at path if it is missing.
func OpenLock(path string) (*FileLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &FileLock{}, f.Close()
}

// OpenDirLock returns nil: directories have no locks here.
func OpenDirLock(string) (*FileLock, error) { return nil, nil }

func (l *FileLock) lock(bool, bool) (bool, error) { return true, nil }

// IsCurrent says whether the path still leads to what was opened.
func (l *FileLock) IsCurrent() bool { return true }

// Enforced says whether the lock keeps others off.
func (l *FileLock) Enforced() bool { return false }

// Close does nothing.
func (l *FileLock) Close() error { return nil }

// CloseAndRemove does nothing.
func (l *FileLock) CloseAndRemove() {}
