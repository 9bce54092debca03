//go:build unix

package python

import (
	"errors"
	"syscall"
)

// isBusy says that a program is open for writing somewhere.
func isBusy(err error) bool { return errors.Is(err, syscall.ETXTBSY) }

func isWrongFormat(err error) bool { return errors.Is(err, syscall.ENOEXEC) }
