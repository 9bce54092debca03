package embed_util

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const sep = `\`

// hasChangeTime says whether a stamp\'s ctime is that of the last change.
const hasChangeTime = false

// Bits of a stamp's mode that tell a regular file.
const (
	typeBits    = uint32(fs.ModeType)
	regularBits = 0
)

func fromSlash(name string) string { return filepath.FromSlash(name) }

// stampOf takes what a name lookup gives. Change time and file number would
// need every file opened, which costs more than the whole start. So a change
// of the same size whose author sets the old time again goes unseen here; full
// verification sees it.
func stampOf(path string) (stamp, error) {
	st, err := os.Lstat(path)
	if err != nil {
		return stamp{}, err
	}
	s := stamp{mode: uint32(st.Mode())}
	if !st.IsDir() {
		s.size = st.Size()
		s.mtime = tick(st.ModTime().UnixNano())
	}
	if d, ok := st.Sys().(*syscall.Win32FileAttributeData); ok {
		s.ctime = d.CreationTime.Nanoseconds()
	}
	return s, nil
}

// stamper stamps names below a folder.
type stamper struct{ root string }

func openStamper(root string) stamper { return stamper{root} }

func (d stamper) close() {}

func (d stamper) stamp(name string) (stamp, error) {
	if name == "." {
		return stampOf(d.root)
	}
	return stampOf(d.root + sep + fromSlash(name))
}
