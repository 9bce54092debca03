package osfs

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// process is a running process that this user may look at.
type process struct {
	pid        int
	program    string   // the path of its executable
	script     string   // what an interpreter or an emulator runs, as far as it is known
	pythonPath []string // its PYTHONPATH, as far as it is known
}

// uses says whether a process needs the files below one of dirs.
func (p *process) uses(dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool {
		return isIn(p.program, dir) || isIn(p.script, dir) || slices.ContainsFunc(p.pythonPath, func(path string) bool { return isIn(path, dir) })
	})
}

// CheckNotRunning returns an error that matches ErrInUse when other processes run programs
// from dirs, or run a Python that has one of dirs, or a folder in it, in PYTHONPATH. Those
// that skip names, if it is not nil, are not counted.
//
// The locks of the processes that started these are gone when they have ended, and a lock
// cannot be handed down: os/exec gives a child only descriptors that shift those of callers,
// and Python closes the ones that it does not know when it starts a process. So the system
// is asked, which costs nothing before something is removed.
func CheckNotRunning(skip func(pid int) bool, dirs ...string) error {
	for _, dir := range dirs {
		if target, err := filepath.EvalSymlinks(dir); err == nil && target != dir {
			dirs = append(dirs, target) // as the system names programs
		}
	}
	var found []string
	for _, p := range processes() {
		if p.uses(dirs) && (skip == nil || !skip(p.pid)) {
			found = append(found, fmt.Sprintf("%s (process %d)", filepath.Base(p.program), p.pid))
		}
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("%w: end %s and try again", ErrInUse, strings.Join(found, ", "))
}

// isIn says whether a path is dir, or below it.
func isIn(path, dir string) bool {
	if len(path) > len(dir) && path[len(dir)] == filepath.Separator {
		path = path[:len(dir)]
	}
	return path == dir || foldsNames && strings.EqualFold(path, dir)
}
