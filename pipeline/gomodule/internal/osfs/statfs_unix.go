//go:build linux || darwin

package osfs

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

var errNoExec = errors.New("is mounted noexec, programs there cannot run")

// CheckVolume says, before anything is written, why dir cannot take that many
// bytes of files.
func CheckVolume(dir string, bytes int64, exec bool) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return nil // unknown: try it
	}
	if exec && mountedNoExec(&st) {
		return fmt.Errorf("%s %w", dir, errNoExec)
	}
	if free := int64(st.Bavail) * int64(st.Bsize); st.Blocks > 0 && st.Bavail < 1<<40 && free < bytes {
		return fmt.Errorf("%s has %d KiB free, %d KiB are needed: %w", dir, free>>10, bytes>>10, unix.ENOSPC)
	}
	return nil
}

func mountedNoExec(st *unix.Statfs_t) bool {
	if runtime.GOOS == "darwin" {
		return uint64(st.Flags)&0x4 != 0 // MNT_NOEXEC
	}
	return uint64(st.Flags)&0x8 != 0 // ST_NOEXEC
}
