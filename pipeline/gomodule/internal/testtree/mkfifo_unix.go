//go:build linux || darwin

package testtree

import (
	"syscall"
)

func Mkfifo(path string) error { return syscall.Mkfifo(path, 0o600) }
