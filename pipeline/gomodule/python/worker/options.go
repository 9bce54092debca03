package worker

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"time"
)

// Option changes a Pool.
type Option func(c *config)

type config struct {
	size         int
	prestart     bool
	maxCalls     int
	maxMemory    int64
	maxMessage   int
	initFunc     string
	initValue    any
	idleTimeout  time.Duration
	startTimeout time.Duration
	output       io.Writer
	logger       *slog.Logger
	command      func(*exec.Cmd)
}

func newConfig(opts []Option) (config, error) {
	c := config{size: 1, maxMessage: 64 << 20, startTimeout: time.Minute, output: os.Stderr}
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	switch {
	case c.size < 1:
		return c, fmt.Errorf("worker: Size is %d, and must be at least 1", c.size)
	case c.maxMessage < 1 || int64(c.maxMessage) > math.MaxUint32:
		return c, fmt.Errorf("worker: MaxMessage is %d", c.maxMessage)
	case c.startTimeout <= 0:
		return c, fmt.Errorf("worker: StartTimeout is %v", c.startTimeout)
	case c.maxCalls < 0 || c.maxMemory < 0 || c.idleTimeout < 0:
		return c, errors.New("worker: MaxCalls, MaxMemory or IdleTimeout is negative")
	}
	return c, nil
}

// Size is the number of processes, and so of calls at the same time. The default is 1.
func Size(n int) Option {
	return func(c *config) { c.size = n }
}

// Prestart makes NewPool start all processes and wait until they are ready. Otherwise a
// process is started when a call finds none that is free.
func Prestart() Option {
	return func(c *config) { c.prestart = true }
}

// Init has the module's function called with value in each new process, after the import and
// before the first call. What it returns is ignored; if it raises an exception, the process has
// not started.
func Init(function string, value any) Option {
	return func(c *config) { c.initFunc, c.initValue = function, value }
}

// MaxCalls replaces a process after n calls.
func MaxCalls(n int) Option {
	return func(c *config) { c.maxCalls = n }
}

// MaxMemory replaces a process that after a call has more than so many bytes of resident
// memory. On macOS and the BSDs it is the most that the process has had so far.
func MaxMemory(bytes int64) Option {
	return func(c *config) { c.maxMemory = bytes }
}

// MaxMessage is the limit for requests and responses, in bytes. The default is 64 MiB.
func MaxMessage(bytes int) Option {
	return func(c *config) { c.maxMessage = bytes }
}

// IdleTimeout ends a process that has had no call for so long. The default is never.
func IdleTimeout(d time.Duration) Option {
	return func(c *config) { c.idleTimeout = d }
}

// StartTimeout is how long a new process may take for the start of the interpreter, the import
// of the module and Init. The default is a minute.
func StartTimeout(d time.Duration) Option {
	return func(c *config) { c.startTimeout = d }
}

// Output is where the processes' standard output and standard error go: whole lines, by one
// goroutine at a time. What Python code prints is UTF-8. The default is os.Stderr.
func Output(w io.Writer) Option {
	return func(c *config) { c.output = w }
}

// Logger gets what Python code logs with the package logging, at the levels that are enabled
// when the process is started. Python's levels 10 (DEBUG), 20, 30, 40 (ERROR) and 50 (CRITICAL)
// become slog's -4, 0, 4, 8 and 12. The attribute "logger" is the name of Python's logger,
// "exception" a traceback; the others come from extra=. A forked process has none of this: its
// warnings and errors go to standard error.
func Logger(l *slog.Logger) Option {
	return func(c *config) { c.logger = l }
}

// Command has configure called with the command of each process before it is started, to set
// its Dir or Env.
func Command(configure func(*exec.Cmd)) Option {
	return func(c *config) { c.command = configure }
}
