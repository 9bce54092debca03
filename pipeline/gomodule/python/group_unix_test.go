//go:build unix

package python

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestContextLeavesNoOrphans(t *testing.T) {
	ep, err := newFake(t, "#!/bin/sh\n[ \"$1\" = -I ] && exit 0\n/bin/sh -c 'echo $$; exec /bin/sleep 100' &\nwait\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, py := range map[string]CommandContexter{
		"embedded": ep,
		"home":     NewPython(WithPythonHome(ep.GetExtractedPath())).(CommandContexter),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cmd, err := py.PythonCmdContext(ctx, "run")
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil {
				t.Fatal(err)
			}
			cancel()
			if err := cmd.Wait(); !errors.Is(err, context.Canceled) && err == nil {
				t.Errorf("Wait: %v", err)
			}
			for deadline := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
					t.Fatal("the child's child is still running")
				}
			}
		})
	}
}

// alive says whether a process runs; one that is dead and waited for by
// nobody does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	return !isZombie(pid)
}

// inBackground starts a child that holds the output, and ends well.
const inBackground = "#!/bin/sh\n[ \"$1\" = -I ] && exit 0\n/bin/sh -c 'echo $$; exec /bin/sleep '\"$1\" &\n"

func TestChildInBackgroundIsNoError(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes longer than the delay after a kill")
	}
	ep, err := newFake(t, inBackground)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd, err := ep.PythonCmdContext(ctx, "6")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.Output(); err != nil || len(out) == 0 {
		t.Errorf("%q, %v", out, err)
	}
}

func TestContextEndsChildInBackground(t *testing.T) {
	ep, err := newFake(t, inBackground)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd, err := ep.PythonCmdContext(ctx, "100")
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	cmd.Stdout = w // no *os.File, so Wait copies
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if alive(pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for deadline := time.Now().Add(10 * time.Second); !ended(cmd.Process); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the command does not end")
		}
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("Wait: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the child in the background holds up Wait")
	}
}

func TestContextDoneBeforeStart(t *testing.T) {
	ep, err := newFake(t, inBackground)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cmd, err := ep.PythonCmdContext(ctx, "100")
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); !errors.Is(err, context.Canceled) || cmd.Process != nil {
		t.Errorf("Start: %v", err)
	}
}
