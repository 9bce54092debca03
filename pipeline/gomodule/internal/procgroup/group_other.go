//go:build !unix && !windows

package procgroup

import (
	"os"
	"os/exec"
)

const canWait = false

func ended(*os.Process) bool { return false }

func prepareGroup(*exec.Cmd) {}

// group is the one process: there are no groups to kill.
type group struct{}

func newGroup(*os.Process, bool) *group { return &group{} }

func (g *group) close() {}

func (g *group) kill(p *os.Process) error { return p.Kill() }

func (g *group) killOrphans() {}

func (g *group) empty() bool { return true }
