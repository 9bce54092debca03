package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// killGroup kills cmd with everything it has started when the context is done.
// Windows has no process groups to kill; taskkill walks the tree of processes.
func killGroup(cmd *exec.Cmd) {
	cmd.Cancel = func() error {
		taskkill := filepath.Join(os.Getenv("SystemRoot"), "System32", "taskkill.exe")
		err := exec.Command(taskkill, "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
		if err == nil {
			return nil
		}
		return cmd.Process.Kill()
	}
}
