//go:build !windows && (!unix || aix)

package osfs

import (
	"errors"
	"os"
)

// FileLock does not exist here: opening one is an error.
type FileLock struct{ path string }

// OpenLock returns an error that matches errors.ErrUnsupported.
func OpenLock(path string) (*FileLock, error) {
	return nil, &os.PathError{Op: "lock", Path: path, Err: errors.ErrUnsupported}
}

// OpenDirLock returns nil: directories have no locks here.
func OpenDirLock(string) (*FileLock, error) { return nil, nil }

func (l *FileLock) lock(bool, bool) (bool, error) { return false, errors.ErrUnsupported }

func (l *FileLock) isCurrent() bool { return false }

// Close does nothing.
func (l *FileLock) Close() error { return nil }

// CloseAndRemove does nothing.
func (l *FileLock) CloseAndRemove() {}

// LocksUnsupported says that a file system has no locks of this kind.
func LocksUnsupported(error) bool { return false }
