package osfs

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// processes are those of this user, and for root all of them, without this one. Those of
// other containers are not seen.
func processes() []process {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	var found []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		program, err := os.Readlink("/proc/" + name + "/exe")
		if err != nil {
			continue // it has ended, is another user's, or a thread of the kernel
		}
		p := process{pid: pid, program: strings.TrimSuffix(program, " (deleted)")}
		cmdline, _ := os.ReadFile("/proc/" + name + "/cmdline")
		if args := strings.Split(string(cmdline), "\x00"); len(args) > 1 {
			p.script = args[1] // for QEMU, which runs programs of other machines, the program
		}
		if isPython(p.program) || isPython(p.script) {
			environ, _ := os.ReadFile("/proc/" + name + "/environ")
			p.pythonPath = pythonPathOf(strings.Split(string(environ), "\x00"))
		}
		found = append(found, p)
	}
	return found
}

func isPython(program string) bool { return strings.Contains(filepath.Base(program), "py") }
