//go:build unix

package embed_util

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

func checkOwner(dir string, st fs.FileInfo, forbidden fs.FileMode) error {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && int(sys.Uid) != os.Geteuid() {
		return fmt.Errorf("%w: %s belongs to user %d, not to %d", ErrUnsafeDir, dir, sys.Uid, os.Geteuid())
	}
	if st.Mode().Perm()&forbidden != 0 {
		return fmt.Errorf("%w: %s is open to other users (mode %#o)", ErrUnsafeDir, dir, st.Mode().Perm())
	}
	return nil
}
