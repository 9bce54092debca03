package extract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/goempy/goempy/internal/osfs"
)

// makePrivate makes a directory that only this user can enter, or accepts one
// that is so already. A directory that someone else put there is refused.
func makePrivate(dir string) error {
	if err := osfs.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	err := checkPrivate(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", osfs.ErrGone, err) // somebody has pruned it
	}
	if err != nil || runtime.GOOS == "windows" {
		return err
	}
	st, err := os.Lstat(dir)
	if err == nil && st.Mode().Perm()&0o700 != 0o700 {
		// The process that made it was killed before it had its mode.
		err = os.Chmod(dir, 0o700)
	}
	return err
}

func checkPrivate(dir string) error { return checkOwned(dir, 0o077) }

// checkOwned checks that dir is a real directory of this user and that none of
// the forbidden permission bits is set.
func checkOwned(dir string, forbidden fs.FileMode) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	switch {
	case st.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%w: %s is a symlink", ErrUnsafeDir, dir)
	case !st.IsDir():
		return fmt.Errorf("%w: %s is not a directory", ErrUnsafeDir, dir)
	}
	return checkOwner(dir, st, forbidden)
}
