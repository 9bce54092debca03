package python

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/goempy/goempy/internal/procgroup"
)

// ErrCannotStart is matched when the interpreter does not start on this
// system. The error is a *StartError.
var ErrCannotStart = errors.New("Python does not start")

// StartError says why an interpreter does not start.
type StartError struct {
	Exe    string // the interpreter
	Stderr string // what it wrote, shortened
	Cause  string // the likely cause and what to do, "" if unknown
	Err    error  // how it ended
}

// Error returns all of it in one line.
func (e *StartError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %s: %v", ErrCannotStart, e.Exe, e.Err)
	if e.Cause != "" {
		fmt.Fprintf(&b, "; likely cause: %s", e.Cause)
	}
	if e.Stderr != "" {
		fmt.Fprintf(&b, "; it wrote: %s", e.Stderr)
	}
	return b.String()
}

// Unwrap makes the error match ErrCannotStart and the cause in Err.
func (e *StartError) Unwrap() []error { return []error{ErrCannotStart, e.Err} }

// startTimeout is far more than a start takes, even on a machine that is busy.
const startTimeout = 2 * time.Minute

// busyTime is how long the check waits for the interpreter's file to be closed
// by everyone who could have it open for writing.
const busyTime = 5 * time.Second

// maxStderr is how much of the interpreter's output an error repeats, in bytes.
const maxStderr = 2000

// checkStart starts an interpreter and lets it load what every start needs. It
// writes no caches, so that the tree stays what was extracted.
func checkStart(ctx context.Context, exe string, env []string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	stderr, err := startOnce(ctx, exe, env)
	// A process that this program starts at the same time has, for a moment,
	// all its open files, and the interpreter was one of them just now.
	for begin := time.Now(); isBusy(err) && time.Since(begin) < busyTime; {
		time.Sleep(5 * time.Millisecond)
		stderr, err = startOnce(ctx, exe, env)
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", err, ctx.Err())
	}
	text := strings.ToValidUTF8(strings.TrimSpace(stderr), "?")
	if len(text) > maxStderr {
		text = text[:maxStderr] + "…"
	}
	return &StartError{Exe: exe, Stderr: text, Cause: likelyCause(exe, text, err), Err: err}
}

func startOnce(ctx context.Context, exe string, env []string) (stderr string, err error) {
	cmd := procgroup.CommandContext(ctx, exe, "-I", "-B", "-S", "-c", "import encodings, os")
	cmd.Env = env
	var b bytes.Buffer
	cmd.Stderr = &b
	err = cmd.Run()
	return b.String(), err
}
