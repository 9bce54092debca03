//go:build unix && !aix

package osfs

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// FileLock is an open file or directory that can be locked. Nil is a lock that
// is not there.
type FileLock struct {
	path   string
	f      *os.File
	reopen bool // where locks want it, for writing
	absent bool // the file system has no locks
}

// OpenLock opens the file at path, and makes it if it is missing.
func OpenLock(path string) (*FileLock, error) {
	// For reading, since a file that is open for writing keeps its file system
	// from being made read-only.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if errors.Is(err, fs.ErrPermission) && os.Chmod(path, 0o600) == nil {
		f, err = os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600) // it was made under a strange umask
	}
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err == nil && st.Mode().Perm() != 0o600 {
		_ = f.Chmod(0o600)
	}
	return &FileLock{path: path, f: f, reopen: true}, nil
}

// OpenDirLock opens a directory.
func OpenDirLock(dir string) (*FileLock, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	return &FileLock{path: dir, f: f}, nil
}

// lock takes the lock, or says that it is held by others.
func (l *FileLock) lock(shared, wait bool) (bool, error) {
	how := unix.LOCK_EX
	if shared {
		how = unix.LOCK_SH
	}
	if !wait {
		how |= unix.LOCK_NB
	}
	for {
		err := unix.Flock(int(l.f.Fd()), how)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case l.reopen && (errors.Is(err, unix.EBADF) || errors.Is(err, unix.EIO)):
			// Some network file systems lock only what is open for writing.
			l.reopen = false
			f, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR, 0o600)
			if err != nil {
				return false, err
			}
			_ = l.f.Close()
			l.f = f
		case isUnsupported(err), !l.reopen && (errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EBADF)):
			l.absent = true
			return true, nil
		case !errors.Is(err, unix.EINTR):
			return false, &os.PathError{Op: "lock", Path: l.path, Err: err}
		}
	}
}

// CloseAndRemove ends the lock and removes its file. The file goes first: a
// process that waits for the lock then gets one whose file is gone, and notices.
func (l *FileLock) CloseAndRemove() {
	_ = os.Remove(l.path)
	_ = l.Close()
}

// Enforced says whether the lock keeps others off: not where the file system has no locks,
// as some network file systems and sandboxes.
func (l *FileLock) Enforced() bool { return !l.absent }

func isUnsupported(err error) bool {
	return errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOLCK) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EOPNOTSUPP)
}
