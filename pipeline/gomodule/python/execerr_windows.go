package python

import (
	"errors"
	"syscall"
)

// errBadExe is ERROR_BAD_EXE_FORMAT of Windows.
const errBadExe = syscall.Errno(193)

func isWrongFormat(err error) bool { return errors.Is(err, errBadExe) }

func isBusy(error) bool { return false }
