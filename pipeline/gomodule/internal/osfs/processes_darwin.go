package osfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// processes are those of this user, and for root all of them, without this one.
func processes() []process {
	all, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil
	}
	var found []process
	for i := range all {
		pid := int(all[i].Proc.P_pid)
		if pid == os.Getpid() {
			continue
		}
		args, err := unix.SysctlRaw("kern.procargs2", pid)
		if err != nil {
			continue // it has ended, or is another user's
		}
		program, environ := parseProcArgs(args)
		found = append(found, process{pid: pid, program: program, pythonPath: pythonPathOf(environ)})
	}
	return found
}
