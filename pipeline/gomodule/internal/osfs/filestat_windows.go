package osfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// HasChangeTime says whether a stamp's ctime is that of the last change.
const HasChangeTime = false

// IsExecutable says whether this is a regular file that can be run.
func (s *FileStat) IsExecutable() bool {
	return s.Mode&0o111 != 0 && fs.FileMode(s.Mode).IsRegular()
}

// Lstat takes what a name lookup gives. Change time and file number would
// need every file opened, which costs more than the whole start. So a change
// of the same size whose author sets the old time again goes unseen here; full
// verification sees it.
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
	if d, ok := st.Sys().(*syscall.Win32FileAttributeData); ok {
		s.CTime = d.CreationTime.Nanoseconds()
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
