//go:build unix

package python

import (
	"bufio"
	"context"
	"errors"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/testtree"
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
			for deadline := time.Now().Add(10 * time.Minute); testtree.Alive(pid); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
					t.Fatal("the child's child is still running")
				}
			}
		})
	}
}
