//go:build unix

package procgroup

import (
	"syscall"
	"testing"
	"time"
)

// killWatchdog kills the watchdog and waits until that is noticed.
func killWatchdog() {
	d := &theWatchdog
	d.mu.Lock()
	pid := d.pid
	d.mu.Unlock()
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for IsHelper(pid) {
		time.Sleep(time.Millisecond)
	}
}

func TestWatchdogThatDoesNotStart(t *testing.T) {
	for _, python := range []string{"/bin/false", "/nonexistent"} {
		if _, err := PythonUntilExit(t.Context(), python, nil); err == nil {
			t.Errorf("%s: no error", python)
		}
	}
}
