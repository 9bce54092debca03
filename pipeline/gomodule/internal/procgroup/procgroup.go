// Package procgroup runs commands that end with a context, and with all processes that
// they have started.
package procgroup

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// waitDelay is how long Wait waits, after the end of ctx, for the output of
// processes that have left a killed command's group.
const waitDelay = 5 * time.Second

// groupPoll is how often the group of a command is checked whose output Wait
// copies.
const groupPoll = 100 * time.Millisecond

// CommandContext is exec.CommandContext for a command that is killed with all
// that it has started.
//
// os/exec listens to the context until the command itself has ended, and then
// waits, possibly for ever, for processes that hold its output. A watcher takes
// over there. It is started by the context that os/exec gets, at the first call
// of Done after the start of the process: os/exec calls Done from Start, or from
// a goroutine that Start makes, so that the command's fields can be read.
func CommandContext(ctx context.Context, exe string, args ...string) *exec.Cmd {
	return command(&watch{Context: ctx}, exe, args)
}

// untilExit is the key of UntilExit.
type untilExit struct{}

// UntilExit marks a context for commands that are to end with this process.
func UntilExit(ctx context.Context) context.Context { return context.WithValue(ctx, untilExit{}, true) }

// IsUntilExit says whether ctx was marked.
func IsUntilExit(ctx context.Context) bool { return ctx.Value(untilExit{}) != nil }

// PythonUntilExit is CommandContext for an interpreter with an environment, which is killed
// with all that it has started also when this process ends, however it ends. On Unix
// another process of the interpreter sees to that, one for all commands.
func PythonUntilExit(ctx context.Context, python string, env []string, args ...string) (*exec.Cmd, error) {
	mark, err := guard(python, env)
	if err != nil {
		return nil, err
	}
	cmd := command(&watch{Context: ctx, untilExit: true}, python, args)
	cmd.Env = append(slices.Clone(env), mark...)
	return cmd, nil
}

func command(w *watch, exe string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(w, exe, args...)
	w.cmd = cmd
	prepareGroup(cmd)
	cmd.Cancel = func() error {
		// Not before: os/exec counts the delay from the end of a command that
		// succeeds, too, and calls it an error when a process in the
		// background still holds its output. Wait reads the field after the
		// goroutine that calls Cancel has ended.
		if cmd.WaitDelay == 0 {
			cmd.WaitDelay = waitDelay
		}
		return w.kill()
	}
	return cmd
}

// watch is a command's context, and what ends the processes that outlive it.
type watch struct {
	context.Context
	cmd       *exec.Cmd
	untilExit bool // the group ends with this process

	start sync.Once
	group *group // what the command has started, nil before its start
}

// Done implements context.Context.
func (w *watch) Done() <-chan struct{} {
	done := w.Context.Done()
	if (done != nil || w.untilExit) && w.cmd != nil && w.cmd.Process != nil {
		w.begin()
	}
	return done
}

func (w *watch) begin() {
	w.start.Do(func() {
		w.group = newGroup(w.cmd.Process, w.untilExit)
		if !canWait {
			return
		}
		go w.waitForGroup(isCopied(w.cmd.Stdin) || isCopied(w.cmd.Stdout) || isCopied(w.cmd.Stderr))
	})
}

func (w *watch) kill() error {
	w.begin()
	if ended(w.cmd.Process) {
		w.group.killOrphans()
		return os.ErrProcessDone
	}
	return w.group.kill(w.cmd.Process)
}

// waitForGroup returns when the command has ended, and if Wait copies its output or
// input, or the group ends with this process, until the group is empty. Where Wait
// copies, it then kills the group when the context is done.
func (w *watch) waitForGroup(copies bool) {
	defer w.group.close()
	tick := time.NewTicker(groupPoll)
	defer tick.Stop()
	for done := w.Context.Done(); ; {
		select {
		case <-done:
			done = nil
		case <-tick.C:
		}
		switch {
		case !ended(w.cmd.Process): // os/exec listens
		case !copies && !w.untilExit:
			return
		case copies && w.Context.Err() != nil:
			w.group.killOrphans()
			return
		case w.group.empty():
			return
		}
	}
}

// isCopied says whether Wait copies what goes to or comes from v, and so does not
// return before all processes that hold the other end have closed it.
func isCopied(v any) bool {
	_, isFile := v.(*os.File)
	return v != nil && !isFile
}
