//go:build unix

package embed_util

import (
	"errors"
	"syscall"
)

// refusesSymlinks tells a file system without symlinks from other trouble.
func refusesSymlinks(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOTSUP) ||
		errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS)
}

// otherVolume says that a rename failed because its target is a mount point or
// on another file system.
func otherVolume(err error) bool {
	return errors.Is(err, syscall.EXDEV) || errors.Is(err, syscall.EBUSY)
}

// isNotDir says that a folder on the way to a name is something else.
func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

// isReadOnly says that a file system cannot be written to at all.
func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }
