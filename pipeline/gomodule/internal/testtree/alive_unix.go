//go:build unix

package testtree

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// Alive says whether a process runs. One that has ended and that nothing has waited for
// does not; only Linux tells these apart.
func Alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(b), ") Z ")
}
