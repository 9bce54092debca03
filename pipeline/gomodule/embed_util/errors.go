package embed_util

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrManifest is matched by every error about the payload itself: a
	// manifest that breaks a rule, a blob or stream that is missing or has other
	// content than the manifest says. Building the program again is the remedy.
	ErrManifest = errors.New("bad payload")

	// ErrFormat is matched when the manifest has a format that this version
	// cannot read. Such an error matches ErrManifest too.
	ErrFormat = errors.New("payload format not supported")

	// ErrUnsafeDir is matched when a directory that would have to be private
	// is a symlink, belongs to another user, or is open to other users.
	ErrUnsafeDir = errors.New("unsafe directory")

	// ErrInUse is matched on Windows when files cannot be replaced or removed
	// because a program has them open, or because this user may not change them,
	// which Windows does not always tell apart. The error names the programs that
	// run from the directory, as far as this user can see them; when they have
	// ended, the call can be made again.
	ErrInUse = errors.New("files in use")

	// ErrDamaged is matched by the error of Verify when the extracted tree
	// differs from the payload.
	ErrDamaged = errors.New("extracted files are damaged")
)

// maxFaults bounds how many faults one error lists.
const maxFaults = 10

// faults collects what is wrong with one input, so that it is told together.
type faults struct {
	list []string
	more int
}

func (f *faults) addf(format string, args ...any) {
	if len(f.list) >= maxFaults {
		f.more++
		return
	}
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

func (f *faults) err(kind error) error {
	if len(f.list) == 0 {
		return nil
	}
	s := strings.Join(f.list, "; ")
	if f.more > 0 {
		s += fmt.Sprintf("; and %d more", f.more)
	}
	return fmt.Errorf("%w: %s", kind, s)
}

// payloadErrorf returns an error that matches ErrManifest.
func payloadErrorf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrManifest, fmt.Errorf(format, args...))
}
