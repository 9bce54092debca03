//go:build unix

package procgroup

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// watchdogProgram reads the numbers of process groups, negative ones for those that have
// ended, until its input ends, as it does with the process that writes them. It then kills
// the groups, and on Linux also what has left them, but still has the mark in its
// environment: a system call ends the input only after a command that was just started has
// its own environment, so one whose number did not arrive any more is found, too.
//
// It uses nothing but modules that are part of the interpreter's executable, so it
// runs on when the tree that it runs from is removed.
const watchdogProgram = `
import posix, sys, time
from _signal import SIG_IGN, SIGHUP, SIGINT, SIGTERM, signal

def kill(number):
    try:
        posix.kill(number, 9)
    except OSError:
        return False
    return True

def environ(pid):
    try:
        file = posix.open("/proc/%d/environ" % pid, posix.O_RDONLY)
    except OSError:
        return b""
    try:
        return posix.read(file, 1 << 22)
    except OSError:
        return b""
    finally:
        posix.close(file)

def marked():
    pids = [int(name) for name in posix.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if pid != posix.getpid() and mark in environ(pid).split(b"\0")]

for number in (SIGHUP, SIGINT, SIGTERM):
    signal(number, SIG_IGN)
mark, groups, rest = sys.argv[1].encode(), set(), b""
posix.write(1, b"ready\n")
while True:
    block = posix.read(0, 65536)
    if not block:
        break
    lines = (rest + block).split(b"\n")
    rest = lines.pop()
    for number in map(int, lines):
        groups.add(number) if number > 0 else groups.discard(-number)
for group in groups:
    kill(-group) or kill(group)
if sys.platform.startswith("linux"):
    for look in range(1000):
        if not any([kill(pid) for pid in marked()]):
            break
        time.sleep(0.01)
`

// watchdogTimeout is far more than its start takes, even on a machine that is busy.
const watchdogTimeout = 2 * time.Minute

// watchdog is a process that outlives this one for as long as it takes to kill what this one
// has started. The kernel's own means, a signal at the death of the parent, is bound to the
// thread that started the process, and a Go program's threads may end at any time; and it
// reaches no grandchildren.
type watchdog struct {
	mu     sync.Mutex
	input  *os.File // nil as long as it does not run
	pid    int
	mark   string
	groups map[int]bool
}

var theWatchdog = watchdog{groups: map[int]bool{}}

// IsHelper says that a process is of this one and needs no files.
func IsHelper(pid int) bool {
	theWatchdog.mu.Lock()
	defer theWatchdog.mu.Unlock()
	return theWatchdog.input != nil && theWatchdog.pid == pid
}

// guard starts the watchdog if it does not run, with an interpreter, and returns what a
// command that it watches has to have in its environment.
func guard(python string, env []string) ([]string, error) {
	d := &theWatchdog
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mark == "" {
		b := make([]byte, 8)
		if _, err := rand.Read(b); err != nil {
			return nil, err
		}
		d.mark = fmt.Sprintf("GOEMPY_RUN_%x=1", b)
	}
	if d.input == nil {
		if err := d.start(python, env); err != nil {
			return nil, fmt.Errorf("start a watchdog with %s: %w", python, err)
		}
		for id := range d.groups { // of one that was killed
			d.send(id)
		}
	}
	return []string{d.mark}, nil
}

func (d *watchdog) start(python string, env []string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command(python, "-I", "-B", "-S", "-c", watchdogProgram, d.mark)
	cmd.Env = slices.DeleteFunc(slices.Clone(env), func(kv string) bool { return strings.HasPrefix(kv, "PYTHONPATH=") })
	cmd.Dir = "/"
	cmd.Stdin = r
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C in the terminal is not for it
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_ = w.Close()
		return err
	}
	timer := time.AfterFunc(watchdogTimeout, func() { _ = cmd.Process.Kill() })
	_, err = io.ReadFull(stdout, make([]byte, len("ready\n")))
	timer.Stop()
	if err != nil {
		_ = w.Close()
		return fmt.Errorf("%w: %v: %s", err, cmd.Wait(), bytes.TrimSpace(stderr.Bytes()))
	}
	d.input, d.pid = w, cmd.Process.Pid
	go func() {
		_ = cmd.Wait() // until somebody kills it
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.input == w {
			d.stop()
		}
	}()
	return nil
}

// watch adds a group, and unwatch removes it.
func (d *watchdog) watch(id int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.groups[id] = true
	d.send(id)
}

func (d *watchdog) unwatch(id int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.groups, id)
	d.send(-id)
}

func (d *watchdog) send(id int) {
	if d.input == nil {
		return // the next one that is started gets all of them
	}
	if _, err := fmt.Fprintln(d.input, id); err != nil {
		d.stop()
	}
}

func (d *watchdog) stop() {
	_ = d.input.Close()
	d.input = nil
}
