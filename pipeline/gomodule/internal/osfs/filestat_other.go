//go:build !windows && (!unix || aix)

package osfs

import (
	"os"
)

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
