//go:build unix && !aix

package osfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// HasChangeTime says whether a stamp's ctime is that of the last change.
const HasChangeTime = true

// IsExecutable says whether this is a regular file that can be run.
func (s *FileStat) IsExecutable() bool {
	return s.Mode&0o111 != 0 && s.Mode&unix.S_IFMT == unix.S_IFREG
}

// Lstat does one lstat. It goes around os.Lstat, which costs as much again
// in memory.
func Lstat(path string) (FileStat, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return FileStat{}, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	return fromSys(&st), nil
}

// statDir stamps names below a folder that it holds open: the system then does
// not walk the path to the folder each time, a third of the whole cost.
type statDir struct {
	root string
	fd   int
}

func openStatDir(root string) statDir {
	fd, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = -1
	}
	return statDir{root, fd}
}

func (d statDir) close() {
	if d.fd >= 0 {
		_ = unix.Close(d.fd)
	}
}

func (d statDir) lstat(name string) (FileStat, error) {
	switch {
	case name == ".":
		return Lstat(d.root)
	case d.fd < 0:
		return Lstat(d.root + sep + name)
	}
	var st unix.Stat_t
	if err := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return FileStat{}, &os.PathError{Op: "lstat", Path: d.root + sep + name, Err: err}
	}
	return fromSys(&st), nil
}

func fromSys(st *unix.Stat_t) FileStat {
	s := FileStat{Mode: uint32(st.Mode), Owner: st.Uid, Inode: uint64(st.Ino)}
	if s.Mode&unix.S_IFMT != unix.S_IFDIR {
		s.Size = st.Size
		s.MTime = tick(st.Mtim.Nano())
		s.CTime = tick(st.Ctim.Nano())
	}
	return s
}
