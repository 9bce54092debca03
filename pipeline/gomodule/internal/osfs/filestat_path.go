//go:build !unix || aix

package osfs

import (
	"io/fs"
	"path/filepath"
)

// HasChangeTime says whether a stamp's ctime is that of the last change.
const HasChangeTime = false

// IsExecutable says whether this is a regular file that can be run.
func (s *FileStat) IsExecutable() bool {
	return s.Mode&0o111 != 0 && fs.FileMode(s.Mode).IsRegular()
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
