//go:build unix

package osfs

import (
	"errors"
	"syscall"
)

// refusesSymlinks says that an error is that of a file system without symlinks.
func refusesSymlinks(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOTSUP) ||
		errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS)
}

// IsOtherVolume says that a rename failed because its target is a mount point or
// on another file system.
func IsOtherVolume(err error) bool {
	return errors.Is(err, syscall.EXDEV) || errors.Is(err, syscall.EBUSY)
}

// IsNotDir says that a folder on the way to a name is something else.
func IsNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

// IsReadOnly says that a file system cannot be written to at all.
func IsReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }
