//go:build !windows

package osfs

import (
	"os"
)

// Rename is os.Rename: nothing keeps files from being renamed here.
func Rename(from, to string) error { return os.Rename(from, to) }

// ReplaceFile renames onto a file that may be in use.
func ReplaceFile(from, to, _ string) error { return os.Rename(from, to) }

// RemoveFile removes a file that may be in use.
func RemoveFile(root *os.Root, name, _ string) error { return root.Remove(name) }

// IsInUse is false: only Windows refuses to replace or remove files in use.
func IsInUse(error) bool { return false }

// foldsNames says that names that differ only in case are one. They may be on macOS, but
// programs have the names there by which they were started.
const foldsNames = false

// InUseError returns the error as it is.
func InUseError(err error, _ ...string) error { return err }
