package payload

import (
	"errors"
	"fmt"
	"strings"
)

// ErrManifest is matched by every error about the payload itself: a
// manifest that breaks a rule, a blob or stream that is missing or has other
// content than the manifest says. Building the program again is the remedy.
var ErrManifest = errors.New("bad payload")

// ErrFormat is matched when the manifest has a format that this version
// cannot read. Such an error matches ErrManifest too.
var ErrFormat = errors.New("payload format not supported")

// maxListed bounds how many faults one error lists.
const maxListed = 10

// ErrorList collects what is wrong with one input, so that it is told together.
type ErrorList struct {
	list []string
	more int
}

func (f *ErrorList) Addf(format string, args ...any) {
	if len(f.list) >= maxListed {
		f.more++
		return
	}
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

func (f *ErrorList) Err(kind error) error {
	if len(f.list) == 0 {
		return nil
	}
	s := strings.Join(f.list, "; ")
	if f.more > 0 {
		s += fmt.Sprintf("; and %d more", f.more)
	}
	return fmt.Errorf("%w: %s", kind, s)
}

// Errorf returns an error that matches ErrManifest.
func Errorf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrManifest, fmt.Errorf(format, args...))
}
