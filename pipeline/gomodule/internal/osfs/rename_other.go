//go:build !windows

package osfs

import (
	"os"
)

func Rename(from, to string) error { return os.Rename(from, to) }

func ReplaceFile(from, to, _ string) error { return os.Rename(from, to) }

func RemoveFile(root *os.Root, name, _ string) error { return root.Remove(name) }

// IsInUse is false: only Windows refuses to replace or remove files in use.
func IsInUse(error) bool { return false }

func CheckNotRunning(...string) error { return nil }

func InUseError(err error, _ ...string) error { return err }
