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
	if err != nil || !strings.Contains(string(b), ") Z ") {
		return true
	}
	// Its files are open as long as one of its threads has not ended.
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	return err == nil && len(threads) > 1
}
