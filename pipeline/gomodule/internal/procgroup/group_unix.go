//go:build unix

package procgroup

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// prepareGroup gives cmd a process group of its own.
func prepareGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

const canWait = true

// ended says whether the command has ended and Wait has seen it, or nobody will.
func ended(p *os.Process) bool {
	err := p.Signal(syscall.Signal(0))
	return err != nil && !errors.Is(err, syscall.EPERM)
}

// group is the process group that has the command's number.
type group struct {
	id      int
	watched bool
}

func newGroup(p *os.Process, untilExit bool) *group {
	if untilExit {
		theWatchdog.watch(p.Pid)
	}
	return &group{p.Pid, untilExit}
}

func (g *group) close() {
	if g.watched {
		theWatchdog.unwatch(g.id)
	}
}

// kill kills the group of a command that nobody has waited for.
func (g *group) kill(p *os.Process) error {
	err := syscall.Kill(-g.id, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) { // the caller has set another SysProcAttr
		return p.Kill()
	}
	return err
}

// killOrphans kills what is left of the group of a command that has ended.
func (g *group) killOrphans() {
	if !g.empty() {
		_ = syscall.Kill(-g.id, syscall.SIGKILL)
	}
}

// empty says whether nothing is left of the group of a command that has ended.
// The number is given to no new process as long as the group has members, so a
// process that has it shows that there are none, and that a group of that
// number is another's.
func (g *group) empty() bool {
	return !errors.Is(syscall.Kill(g.id, 0), syscall.ESRCH) || errors.Is(syscall.Kill(-g.id, 0), syscall.ESRCH)
}
