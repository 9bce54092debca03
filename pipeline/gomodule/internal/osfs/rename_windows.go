package osfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// renamePatience is how long a rename is tried while a virus scanner or an
// indexer holds the file.
const renamePatience = 2 * time.Second

// IsInUse says that a file cannot be changed. Windows does not always distinguish
// one that is open from one that this user may not change.
func IsInUse(err error) bool {
	return errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION) ||
		errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_USER_MAPPED_FILE)
}

// Rename renames, and tries again while something holds the file for a
// moment.
func Rename(from, to string) error { return renameFor(renamePatience, from, to) }

func renameFor(patience time.Duration, from, to string) error {
	for start, wait := time.Now(), time.Millisecond; ; wait *= 2 {
		err := os.Rename(from, to)
		if !IsInUse(err) || time.Since(start) > patience {
			return err
		}
		time.Sleep(wait)
	}
}

// ReplaceFile is Rename onto a file that may be a running program: Windows
// does not let it be replaced or removed, but lets it be renamed, to aside.
func ReplaceFile(from, to, aside string) error {
	if err := renameFor(renamePatience/20, from, to); !IsInUse(err) {
		return err
	}
	if os.Rename(to, aside) != nil {
		return Rename(from, to)
	}
	err := Rename(from, to)
	if err != nil {
		_ = os.Rename(aside, to)
	}
	return err
}

// RemoveFile removes a file that may be a running program, or moves it to aside.
func RemoveFile(root *os.Root, name, aside string) error {
	err := root.Remove(name)
	if IsInUse(err) && os.Rename(filepath.Join(root.Name(), name), aside) == nil {
		return nil
	}
	return err
}

// InUseError says which programs run from the first of dirs, which cannot be changed,
// and from the others. Other errors it returns as they are.
func InUseError(err error, dirs ...string) error {
	if !IsInUse(err) {
		return err
	}
	if running := CheckNotRunning(nil, dirs...); running != nil {
		return fmt.Errorf("%w: %w", running, err)
	}
	return fmt.Errorf("%w: a program has files in %s open, or this user may not change them: "+
		"end programs that use it and try again: %w", ErrInUse, dirs[0], err)
}
