//go:build unix

package procgroup

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/testtree"
)

// inBackground starts a child that holds the output for some seconds, and ends well.
func inBackground(ctx context.Context, seconds string) *exec.Cmd {
	return CommandContext(ctx, "/bin/sh", "-c", `/bin/sh -c 'echo $$; exec /bin/sleep '"$1" &`, "sh", seconds)
}

func TestChildInBackgroundIsNoError(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes longer than the delay after a kill")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := inBackground(ctx, "6")
	if out, err := cmd.Output(); err != nil || len(out) == 0 {
		t.Errorf("%q, %v", out, err)
	}
}

func TestContextEndsChildInBackground(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := inBackground(ctx, "100")
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
		if testtree.Alive(pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for deadline := time.Now().Add(10 * time.Minute); !ended(cmd.Process); time.Sleep(time.Millisecond) {
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
	case <-time.After(10 * time.Minute):
		t.Fatal("the child in the background holds up Wait")
	}
}

func TestContextDoneBeforeStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cmd := inBackground(ctx, "100")
	if err := cmd.Start(); !errors.Is(err, context.Canceled) || cmd.Process != nil {
		t.Errorf("Start: %v", err)
	}
}
