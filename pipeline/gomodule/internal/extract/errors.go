package extract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/goempy/goempy/internal/payload"
)

// ErrUnsafeDir is matched when a directory that would have to be private
// is a symlink, belongs to another user, or is open to other users.
var ErrUnsafeDir = errors.New("unsafe directory")

// ErrDamaged is matched by the error of Verify when the extracted tree
// differs from the payload.
var ErrDamaged = errors.New("extracted files are damaged")

// joinErrors joins the errors of all locations in one sentence.
func joinErrors(errs []error) error {
	switch len(errs) {
	case 0:
		return errors.New("embed_util: there is no directory to extract to")
	case 1:
		return fmt.Errorf("embed_util: %w", errs[0])
	}
	verbs := strings.Repeat("; and %w", len(errs)-1)
	args := make([]any, len(errs))
	for i, err := range errs {
		args[i] = err
	}
	return fmt.Errorf("embed_util: %w"+verbs, args...)
}

// otherLocationMayHelp says that an error is one of the location, not of the payload.
func otherLocationMayHelp(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, payload.ErrManifest) {
		return false
	}
	var start *startError
	if errors.As(err, &start) {
		return errors.Is(err, fs.ErrPermission)
	}
	return true
}

// startError is a failure of the caller's start check.
type startError struct{ err error }

func (e *startError) Error() string { return e.err.Error() }

func (e *startError) Unwrap() error { return e.err }

// damage makes an error of what a repairer found, in the tree's order.
func damage(tree string, plan []payload.Entry, found map[string]string) error {
	var errs payload.ErrorList
	for i := range plan {
		if what, ok := found[plan[i].Name]; ok {
			errs.Addf("%s %s", plan[i].Name, what)
		}
	}
	if err := errs.Err(ErrDamaged); err != nil {
		return fmt.Errorf("%s: %w", tree, err)
	}
	return nil
}

// locationError is a failure that another location might not have.
type locationError struct {
	p   *Location
	err error
}

func (e *locationError) Error() string {
	return fmt.Sprintf("extract to %s (%s): %v", e.p.tree, e.p.kind, e.err)
}

func (e *locationError) Unwrap() error { return e.err }
