//go:build unix

package python

import (
	"errors"
	"syscall"
)

func isWrongFormat(err error) bool { return errors.Is(err, syscall.ENOEXEC) }
