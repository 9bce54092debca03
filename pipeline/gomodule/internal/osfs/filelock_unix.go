//go:build unix && !aix

package osfs

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// FileLock is an open file or directory that can be locked. Nil is a lock that
// is not there. It goes around os.File, as FileWriter does: every start takes three.
type FileLock struct {
	path   string
	fd     int
	reopen bool // where locks want it, for writing
	absent bool // the file system has no locks
}

// OpenLock opens the file at path, and makes it if it is missing.
func OpenLock(path string) (*FileLock, error) {
	// For reading, since a file that is open for writing keeps its file system
	// from being made read-only.
	const flags = unix.O_RDONLY | unix.O_CREAT | unix.O_CLOEXEC
	fd, err := openRetry(unix.AT_FDCWD, path, flags, 0o600)
	if errors.Is(err, fs.ErrPermission) && os.Chmod(path, 0o600) == nil {
		fd, err = openRetry(unix.AT_FDCWD, path, flags, 0o600) // it was made under a strange umask
	}
	if err != nil {
		return nil, pathError("open", path, err)
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && st.Mode&0o777 != 0o600 {
		_ = unix.Fchmod(fd, 0o600)
	}
	return &FileLock{path: path, fd: fd, reopen: true}, nil
}

// OpenDirLock opens a directory.
func OpenDirLock(dir string) (*FileLock, error) {
	fd, err := openRetry(unix.AT_FDCWD, dir, dirFlags, 0)
	if err != nil {
		return nil, pathError("open", dir, err)
	}
	return &FileLock{path: dir, fd: fd}, nil
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
		err := unix.Flock(l.fd, how)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case l.reopen && (errors.Is(err, unix.EBADF) || errors.Is(err, unix.EIO)):
			// Some network file systems lock only what is open for writing.
			l.reopen = false
			fd, err := openRetry(unix.AT_FDCWD, l.path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
			if err != nil {
				return false, pathError("open", l.path, err)
			}
			_ = l.Close()
			l.fd = fd
		case isUnsupported(err), !l.reopen && (errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EBADF)):
			l.absent = true
			return true, nil
		case !errors.Is(err, unix.EINTR):
			return false, &os.PathError{Op: "lock", Path: l.path, Err: err}
		}
	}
}

// IsCurrent says whether the path still leads to what was opened.
func (l *FileLock) IsCurrent() bool {
	var mine, there unix.Stat_t
	return unix.Fstat(l.fd, &mine) == nil && unix.Lstat(l.path, &there) == nil &&
		mine.Dev == there.Dev && mine.Ino == there.Ino
}

// Close ends the lock.
func (l *FileLock) Close() error {
	if l == nil || l.fd < 0 {
		return nil
	}
	fd := l.fd
	l.fd = -1
	return pathError("close", l.path, unix.Close(fd))
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
