package worker

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

var (
	// ErrClosed is returned by calls after Close or Shutdown, and by those that were
	// still waiting or running when Shutdown's context was done.
	ErrClosed = errors.New("the pool is closed")

	// ErrDied is matched when a process ended before it had answered; see DiedError.
	ErrDied = errors.New("the Python process died")

	// ErrUnknownFunction is matched when the module has no such function.
	ErrUnknownFunction = errors.New("unknown function")

	// ErrNotJSON is matched when a request or a response cannot be JSON, or is not what
	// the types of the call say.
	ErrNotJSON = errors.New("not JSON")

	// ErrTooLarge is matched when a request or a response is above MaxMessage.
	ErrTooLarge = errors.New("message too large")

	// ErrStartTimeout is matched when a process was not ready within StartTimeout.
	ErrStartTimeout = errors.New("the Python process was not ready in time")
)

// PythonError is an exception that a function, or the import of the module, has raised. It
// matches an Exception of its type and of the types above it:
//
//	errors.Is(err, worker.Exception("LookupError")) // KeyError, IndexError
type PythonError struct {
	Types     []string `json:"types"`     // the exception's type and those it is derived from
	Message   string   `json:"message"`   // str(exception)
	Frames    []Frame  `json:"frames"`    // outermost first
	Traceback string   `json:"traceback"` // as Python prints it, with causes
}

// Frame is one line of a traceback.
type Frame struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Function string `json:"function"`
	Code     string `json:"code"` // the source line, "" if it is not known
}

// Type returns the exception's type: "ValueError", "json.decoder.JSONDecodeError".
func (e *PythonError) Type() string {
	if len(e.Types) == 0 {
		return ""
	}
	return e.Types[0]
}

func (e *PythonError) Error() string {
	if e.Message == "" {
		return e.Type()
	}
	return e.Type() + ": " + e.Message
}

// Is implements errors.Is for an Exception.
func (e *PythonError) Is(target error) bool {
	x, ok := target.(Exception)
	return ok && slices.Contains(e.Types, string(x))
}

// Exception is the name of an exception's type, for errors.Is. Types that are not built in
// have their module before their name.
type Exception string

func (x Exception) Error() string { return string(x) }

// DiedError says how a process ended that should not have. It matches ErrDied.
type DiedError struct {
	State  *os.ProcessState // nil if that is not known
	Output string           // the last lines of its standard output and standard error
}

func (e *DiedError) Error() string {
	var b strings.Builder
	b.WriteString(ErrDied.Error())
	if e.State != nil {
		fmt.Fprintf(&b, " (%s)", e.State)
	}
	b.WriteString(e.lines())
	return b.String()
}

// lines returns the output as it follows a message.
func (e *DiedError) lines() string {
	if e.Output == "" {
		return ""
	}
	return ":\n" + e.Output
}

// Is implements errors.Is for ErrDied.
func (e *DiedError) Is(target error) bool { return target == ErrDied }
