package payload

import (
	"errors"
	"fmt"
	"strings"
)

// ErrManifest is matched by every error about the payload itself: a
// manifest that breaks a rule, a blob or stream that is missing or has other
// content than the manifest says. Build the program again.
var ErrManifest = errors.New("bad payload")

// ErrFormat is matched when the manifest has a format that this version
// cannot read. Such an error matches ErrManifest too.
var ErrFormat = errors.New("payload format not supported")

// maxListed bounds how many faults one error lists.
const maxListed = 10

// ErrorList collects what is wrong with one input, so that it is reported together.
type ErrorList struct {
	list []string
	more int
}

// Addf adds one fault.
func (errs *ErrorList) Addf(format string, args ...any) {
	if len(errs.list) >= maxListed {
		errs.more++
		return
	}
	errs.list = append(errs.list, fmt.Sprintf(format, args...))
}

// Err returns all faults as one error that matches kind, nil if there are none.
func (errs *ErrorList) Err(kind error) error {
	if len(errs.list) == 0 {
		return nil
	}
	s := strings.Join(errs.list, "; ")
	if errs.more > 0 {
		s += fmt.Sprintf("; and %d more", errs.more)
	}
	return fmt.Errorf("%w: %s", kind, s)
}

// Errorf returns an error that matches ErrManifest.
func Errorf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrManifest, fmt.Errorf(format, args...))
}
