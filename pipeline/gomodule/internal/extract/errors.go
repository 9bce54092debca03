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

// parentError is about a folder on the way to a location, which can be trusted.
type parentError struct{ err error }

func (e *parentError) Error() string { return e.err.Error() }

func (e *parentError) Unwrap() error { return e.err }

// joinErrors joins the errors of all locations in one sentence, and says how to trust the
// first one that can be.
func joinErrors(errs []error) error {
	verbs, args := "embed_util: %w"+strings.Repeat("; and %w", len(errs)-1), make([]any, len(errs))
	for i, err := range errs {
		args[i] = err
	}
	for _, err := range errs {
		var at *locationError
		var parent *parentError
		if errors.As(err, &parent) && errors.As(err, &at) {
			verbs += "; if no other user can reach %s, use WithTrustedDir(%q), or set %s=%s"
			args = append(args, at.p.base, at.p.base, TrustVariable, at.p.base)
			break
		}
	}
	return fmt.Errorf(verbs, args...)
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
	if e.p.tree == "" {
		return fmt.Sprintf("%s: %v", e.p.kind, e.err)
	}
	return fmt.Sprintf("extract to %s (%s): %v", e.p.tree, e.p.kind, e.err)
}

func (e *locationError) Unwrap() error { return e.err }
