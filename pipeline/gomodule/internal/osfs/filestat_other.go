//go:build !windows && (!unix || aix)

package osfs

import (
	"io/fs"
	"os"
	"path/filepath"
)

// HasChangeTime says whether a stamp's ctime is that of the last change.
const HasChangeTime = false

// IsExecutable says whether this is a regular file that can be run.
func (s *FileStat) IsExecutable() bool {
	return s.Mode&0o111 != 0 && fs.FileMode(s.Mode).IsRegular()
}

// Lstat knows size and modification time only.
func Lstat(path string) (FileStat, error) {
	st, err := os.Lstat(path)
	if err != nil {
		return FileStat{}, err
	}
	s := FileStat{Mode: uint32(st.Mode())}
	if !st.IsDir() {
		s.Size = st.Size()
		s.MTime = tick(st.ModTime().UnixNano())
	}
	return s, nil
}

// statDir stamps names below a folder.
type statDir struct{ root string }

func openStatDir(root string) statDir { return statDir{root} }

func (d statDir) close() {}

func (d statDir) lstat(name string) (FileStat, error) {
	if name == "." {
		return Lstat(d.root)
	}
	return Lstat(d.root + sep + filepath.FromSlash(name))
}
