//go:build unix && !aix

package embed_util

import (
	"os"

	"golang.org/x/sys/unix"
)

const sep = "/"

// hasChangeTime says whether a stamp\'s ctime is that of the last change.
const hasChangeTime = true

// Bits of a stamp's mode that tell a regular file.
const (
	typeBits    = unix.S_IFMT
	regularBits = unix.S_IFREG
)

func fromSlash(name string) string { return name }

// stampOf does one lstat. It goes around os.Lstat, which costs as much again
// in memory.
func stampOf(path string) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return stamp{}, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	return stampFrom(&st), nil
}

// stamper stamps names below a folder that it holds open: the system then does
// not walk the path to the folder each time, a third of the whole cost.
type stamper struct {
	root string
	fd   int
}

func openStamper(root string) stamper {
	fd, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = -1
	}
	return stamper{root, fd}
}

func (d stamper) close() {
	if d.fd >= 0 {
		_ = unix.Close(d.fd)
	}
}

func (d stamper) stamp(name string) (stamp, error) {
	switch {
	case name == ".":
		return stampOf(d.root)
	case d.fd < 0:
		return stampOf(d.root + sep + name)
	}
	var st unix.Stat_t
	if err := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return stamp{}, &os.PathError{Op: "lstat", Path: d.root + sep + name, Err: err}
	}
	return stampFrom(&st), nil
}

func stampFrom(st *unix.Stat_t) stamp {
	s := stamp{mode: uint32(st.Mode), inode: uint64(st.Ino)}
	if s.mode&unix.S_IFMT != unix.S_IFDIR {
		s.size = st.Size
		s.mtime = tick(st.Mtim.Nano())
		s.ctime = tick(st.Ctim.Nano())
	}
	return s
}
