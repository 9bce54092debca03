//go:build unix && !aix

package osfs

import (
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// maxOpenDirs is how many folders a tree holds open, and more only while they
// are in use. Files come sorted by name, so the next one is almost always in
// one of these.
const maxOpenDirs = 16

// DirWriter is a folder that files are written into, and never through a symlink. It
// opens a folder in it component by component and makes many files relative to
// that: a quarter of the system calls that os.Root needs. It may be used
// concurrently.
type DirWriter struct {
	dir string
	fd  int

	mu   sync.Mutex
	dirs []*openDir // the one that was opened last comes last
}

// openDir is a folder of a tree.
type openDir struct {
	name  string
	fd    int
	users int
}

// OpenDirWriter opens an existing folder.
func OpenDirWriter(dir string) (*DirWriter, error) {
	fd, err := openRetry(unix.AT_FDCWD, dir, dirFlags, 0)
	if err != nil {
		return nil, pathError("open", dir, err)
	}
	return &DirWriter{dir: dir, fd: fd}, nil
}

// Close must not be called before every file is closed.
func (w *DirWriter) Close() {
	for _, f := range w.dirs {
		_ = unix.Close(f.fd)
	}
	_ = unix.Close(w.fd)
}

const (
	dirFlags    = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	createFlags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	readFlags   = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC
)

// openRetry is openat for systems that let a signal interrupt it.
func openRetry(dir int, name string, flags int, perm uint32) (fd int, err error) {
	err = retry(func() (err error) {
		fd, err = unix.Openat(dir, name, flags, perm)
		return err
	})
	return fd, err
}

// retry makes a system call again for as long as a signal interrupts it, which
// network file systems allow. It is not for close: that has happened.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: name, Err: err}
}

// in calls do with the folder of a name and the name in it.
func (w *DirWriter) in(name string, do func(dir int, base string) error) error {
	slash := strings.LastIndexByte(name, '/')
	if slash < 0 {
		return do(w.fd, name)
	}
	f, err := w.use(name[:slash])
	if err != nil {
		return err
	}
	defer w.unuse(f)
	return do(f.fd, name[slash+1:])
}

func (w *DirWriter) use(name string) (*openDir, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.dirs {
		if f.name == name {
			f.users++
			return f, nil
		}
	}
	fd, err := w.walk(name)
	if err != nil {
		return nil, err
	}
	f := &openDir{name: name, fd: fd, users: 1}
	w.dirs = append(w.dirs, f)
	return f, nil
}

func (w *DirWriter) unuse(f *openDir) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.users--
	for i := 0; i < len(w.dirs) && len(w.dirs) > maxOpenDirs; {
		if w.dirs[i].users > 0 {
			i++
			continue
		}
		_ = unix.Close(w.dirs[i].fd)
		w.dirs = slices.Delete(w.dirs, i, i+1)
	}
}

// walk opens a folder of the tree.
func (w *DirWriter) walk(name string) (int, error) {
	at := w.fd
	for part := range strings.SplitSeq(name, "/") {
		next, err := openRetry(at, part, dirFlags, 0)
		if at != w.fd {
			_ = unix.Close(at)
		}
		if err != nil {
			return -1, pathError("openat", name, err)
		}
		at = next
	}
	return at, nil
}

// Mkdir makes a folder with exactly these permissions.
func (w *DirWriter) Mkdir(name string, perm fs.FileMode) error {
	return w.in(name, func(dir int, base string) error {
		err := retry(func() error { return unix.Mkdirat(dir, base, 0o700) })
		if err != nil {
			return pathError("mkdirat", name, err)
		}
		err = retry(func() error { return unix.Fchmodat(dir, base, uint32(perm), 0) })
		return pathError("fchmodat", name, err)
	})
}

// Create makes a new file, which only this user can read until it is finished.
func (w *DirWriter) Create(name string) (*FileWriter, error) {
	fd, err := w.openFile(name, createFlags, 0o600)
	if err != nil {
		return nil, err
	}
	return &FileWriter{name, fd}, nil
}

// Open opens a file.
func (w *DirWriter) Open(name string) (io.ReadCloser, error) {
	fd, err := w.openFile(name, readFlags, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), w.dir+sep+name), nil
}

func (w *DirWriter) openFile(name string, flags int, perm uint32) (fd int, err error) {
	err = w.in(name, func(dir int, base string) (err error) {
		fd, err = openRetry(dir, base, flags, perm)
		return pathError("openat", name, err)
	})
	return fd, err
}

// FileWriter is a file that is being written. It goes around os.File, which asks
// the system about every file whether it can be polled.
type FileWriter struct {
	name string
	fd   int
}

func (f *FileWriter) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		more, err := unix.Write(f.fd, p[done:min(len(p), done+maxWrite)])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return done, pathError("write", f.name, err)
		case more == 0:
			return done, pathError("write", f.name, io.ErrShortWrite)
		default:
			done += more
		}
	}
	return len(p), nil
}

// maxWrite is what every system takes in one call, in bytes.
const maxWrite = 1 << 30

// Finish closes the file and gives it its permissions. They are not left to
// the umask, which is the caller's and not the payload's.
func (f *FileWriter) Finish(perm fs.FileMode) error {
	if err := retry(func() error { return unix.Fchmod(f.fd, uint32(perm)) }); err != nil {
		f.Abandon()
		return pathError("fchmod", f.name, err)
	}
	return pathError("close", f.name, unix.Close(f.fd))
}

// Abandon closes the file as it is.
func (f *FileWriter) Abandon() { _ = unix.Close(f.fd) }
