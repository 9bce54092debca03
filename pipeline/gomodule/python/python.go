package python

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/goempy/goempy/internal/procgroup"
)

// Python makes commands that run a Python interpreter. The values that this
// package returns may be used from several goroutines, and all of them are
// CommandContexters and EntryPointers too.
type Python interface {
	// GetExeName returns "python3", on Windows "python.exe".
	GetExeName() string

	// GetExePath returns the absolute path of the interpreter. It fails when
	// there is none there.
	GetExePath() (string, error)

	// AddPythonPath adds a directory to the PYTHONPATH of the commands made
	// from then on, after those added before. "" is ignored: it would mean the
	// directory that a command runs in. Python splits PYTHONPATH at
	// os.PathListSeparator, so a path that has one makes these commands an error
	// that matches ErrPythonPath.
	//
	// Python does not read .pth files in directories of PYTHONPATH. Those of
	// packages that package pip has generated work nevertheless; for others,
	// call site.addsitedir in Python.
	AddPythonPath(p string)

	// PythonCmd returns a command that runs the interpreter with args. The
	// command is not started. An embedded interpreter that was removed meanwhile,
	// as by a cleaner of temp dirs, is extracted again. See the package comment for
	// the command's environment.
	PythonCmd(args ...string) (*exec.Cmd, error)

	// PythonCmd2 is PythonCmd for a slice.
	PythonCmd2(args []string) (*exec.Cmd, error)
}

// CommandContexter makes commands that end with a context. EmbeddedPython and
// what NewPython returns implement it.
type CommandContexter interface {
	// PythonCmdContext is PythonCmd for a command that is killed when ctx is
	// done, with all processes that it has started and that have not left its
	// process group. Because it has a process group of its own, a Ctrl-C in
	// the terminal reaches the Go program only, and reading from the terminal
	// does not work. With a ctx that is already done, the command's Start
	// returns the error of ctx.
	//
	// A command may end and leave processes behind. When its input or output
	// is something else than nil or an *os.File, Wait goes on until they have
	// closed it, as it does for every exec.Cmd, and the end of ctx kills them
	// too; Wait then returns how the command itself has ended. Otherwise Wait
	// returns at once, and they are left alone. For the output of processes
	// that have left the group of a command that was killed, Wait waits 5 s,
	// unless the command's WaitDelay says something else.
	//
	// Windows has no process groups; there it is a job object, to which the
	// process is added right after its start. What it has started before that,
	// or started outside of the job, runs on. Where the system refuses the
	// job, only the process itself is killed.
	//
	// The command's Cancel and SysProcAttr make this work; a caller that sets
	// them does so instead.
	PythonCmdContext(ctx context.Context, args ...string) (*exec.Cmd, error)
}

// ErrPythonPath is matched when a directory that AddPythonPath was called with has the
// character at which Python splits PYTHONPATH.
var ErrPythonPath = errors.New("python: a directory of PYTHONPATH must not have the character " +
	strconv.QuoteRune(os.PathListSeparator))

type python struct {
	opts pythonOptions

	// embeddedHome finds the tree of an embedded interpreter; nil for others.
	embeddedHome func() (string, error)

	// restore extracts it again, after a cleaner of temp dirs has removed it.
	restore func() error

	restoring sync.Mutex // one restores, the others wait for it

	mu         sync.Mutex
	pythonPath []string
}

// NewPython returns a Python that is not embedded: the one on PATH, or with
// WithPythonHome, the one there.
//
// The interpreter on PATH is the user's, and so is its environment: nothing of
// it is hidden. One with a home gets a clean environment with PYTHONHOME set.
func NewPython(opts ...PythonOpt) Python {
	ep := &python{}
	for _, o := range opts {
		if o != nil {
			o(ep)
		}
	}
	return ep
}

func (ep *python) GetExeName() string {
	if runtime.GOOS == "windows" {
		return "python.exe"
	}
	return "python3"
}

// home returns the tree the interpreter is in, "" for the one on PATH.
func (ep *python) home() (string, error) {
	if ep.embeddedHome != nil {
		return ep.embeddedHome()
	}
	if ep.opts.home == "" {
		return "", nil
	}
	return filepath.Abs(ep.opts.home)
}

func (ep *python) GetExePath() (string, error) {
	home, err := ep.home()
	if err != nil {
		return "", err
	}
	return ep.exePath(home)
}

func (ep *python) exePath(home string) (string, error) {
	name := ep.GetExeName()
	if home == "" {
		p, err := exec.LookPath(name)
		if err != nil {
			return "", fmt.Errorf("python: find %s: %w", name, err)
		}
		return filepath.Abs(p)
	}
	p := exeIn(home, name)
	_, err := os.Stat(p)
	if errors.Is(err, fs.ErrNotExist) && ep.restore != nil {
		if err := ep.restoreExe(p); err != nil {
			return "", fmt.Errorf("python: restore %s, which was removed: %w", home, err)
		}
		_, err = os.Stat(p)
	}
	if err != nil {
		return "", fmt.Errorf("python: find %s: %w", name, err)
	}
	return p, nil
}

// restoreExe restores the tree of an interpreter that is gone, unless another goroutine
// has done it meanwhile.
func (ep *python) restoreExe(exe string) error {
	ep.restoring.Lock()
	defer ep.restoring.Unlock()
	if _, err := os.Stat(exe); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return ep.restore()
}

func exeIn(home, name string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(home, name)
	}
	return filepath.Join(home, "bin", name)
}

func (ep *python) AddPythonPath(p string) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if p == "" {
		return
	}
	ep.pythonPath = append(ep.pythonPath, p)
}

// addedPath returns the directories that AddPythonPath was called with.
func (ep *python) addedPath() []string {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	return slices.Clone(ep.pythonPath)
}

func (ep *python) PythonCmd(args ...string) (*exec.Cmd, error) {
	return ep.PythonCmd2(args)
}

func (ep *python) PythonCmd2(args []string) (*exec.Cmd, error) {
	if ep.opts.killOnParentExit {
		return ep.PythonCmdContext(context.Background(), args...)
	}
	return ep.command(func(exe string, env []string) (*exec.Cmd, error) {
		cmd := exec.Command(exe, args...)
		cmd.Env = env
		return cmd, nil
	})
}

func (ep *python) PythonCmdContext(ctx context.Context, args ...string) (*exec.Cmd, error) {
	return ep.command(func(exe string, env []string) (*exec.Cmd, error) {
		if ep.opts.killOnParentExit || procgroup.IsUntilExit(ctx) {
			return procgroup.PythonUntilExit(ctx, exe, env, args...)
		}
		cmd := procgroup.CommandContext(ctx, exe, args...)
		cmd.Env = env
		return cmd, nil
	})
}

func (ep *python) command(newCmd func(exe string, env []string) (*exec.Cmd, error)) (*exec.Cmd, error) {
	home, err := ep.home()
	if err != nil {
		return nil, err
	}
	exe, err := ep.exePath(home)
	if err != nil {
		return nil, err
	}
	path := ep.addedPath()
	for _, dir := range path {
		if strings.ContainsRune(dir, os.PathListSeparator) {
			return nil, fmt.Errorf("%w: %q", ErrPythonPath, dir)
		}
	}
	cmd, err := newCmd(exe, ep.environ(home, path))
	if err != nil {
		return nil, fmt.Errorf("python: %w", err)
	}
	return cmd, nil
}

// environ returns the environment that the interpreter in home gets.
func (ep *python) environ(home string, path []string) []string {
	r := request{
		inherited: os.Environ(),
		foldCase:  runtime.GOOS == "windows",
		clean:     home != "" && !ep.opts.inheritEnv,
		path:      path,
	}
	if ep.embeddedHome == nil {
		r.home = home
	} else {
		r.certFile = systemCertFile
	}
	return r.environ()
}
