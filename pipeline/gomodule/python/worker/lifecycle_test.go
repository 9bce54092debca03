package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/goempy/goempy/python/worker"
)

// runsCall starts a call of sleep and returns when it runs.
func runsCall(ctx context.Context, t *testing.T, p *worker.Pool, out *lockedBuffer, seconds float64) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := worker.Call[float64, any](ctx, p, "sleep", seconds)
		ended <- err
	}()
	for deadline := time.Now().Add(10 * time.Minute); !strings.Contains(out.String(), "sleeping"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the call does not begin")
		}
	}
	return ended
}

func TestEndOfContextEndsTheCall(t *testing.T) {
	p, out := newPool(t)
	before := call[int](t, p, "pid", nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := runsCall(ctx, t, p, out, 600)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if after := call[int](t, p, "pid", nil); after == before {
		t.Error("the process goes on")
	}
}

func TestEndOfContextEndsTheWait(t *testing.T) {
	p, out := newPool(t)
	ctx, cancel := context.WithCancel(t.Context())
	running := runsCall(ctx, t, p, out, 600)
	short, cancelShort := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancelShort()
	for range 2 { // in the wait, and before it
		if _, err := worker.Call[any, int](short, p, "pid", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	}
	cancel()
	<-running
}

func TestReplacement(t *testing.T) {
	for name, opt := range map[string]worker.Option{
		"calls":  worker.MaxCalls(2),
		"memory": worker.MaxMemory(100 << 20),
		"idle":   worker.IdleTimeout(time.Millisecond),
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := newPool(t, opt)
			first := call[int](t, p, "grow", 200<<20)
			for range 2 {
				time.Sleep(10 * time.Millisecond)
				if call[int](t, p, "pid", nil) != first {
					return
				}
			}
			t.Error("the same process")
		})
	}
	p, _ := newPool(t)
	first := call[int](t, p, "grow", 200<<20)
	if call[int](t, p, "pid", nil) != first {
		t.Error("replaced without being asked to")
	}
}

func TestProcessesAreStartedWhenNeeded(t *testing.T) {
	p, _ := newPool(t, worker.Size(3))
	pids := map[int]bool{}
	for range 6 {
		pids[call[int](t, p, "pid", nil)] = true
	}
	if len(pids) != 1 {
		t.Errorf("%d processes for calls one after the other", len(pids))
	}
}

func TestShutdownEndsWhatRunsAndWaits(t *testing.T) {
	p, out := newPool(t)
	running := runsCall(t.Context(), t, p, out, 600)
	waiting := make(chan error, 1)
	go func() {
		_, err := worker.Call[any, any](context.Background(), p, "pid", nil)
		waiting <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	for _, ended := range []<-chan error{running, waiting} {
		if err := <-ended; !errors.Is(err, worker.ErrClosed) {
			t.Error(err)
		}
	}
	if err := callFails(t, p, "pid", nil); !errors.Is(err, worker.ErrClosed) {
		t.Error(err)
	}
}

func TestProcessesEndInTheirOwnTime(t *testing.T) {
	p, out := newPool(t)
	call[any](t, p, "at_exit", "good bye")
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(out.String(), "good bye") {
		t.Errorf("%q", out.String())
	}
}

func TestCloseWaitsForRunningCalls(t *testing.T) {
	p, out := newPool(t)
	running := runsCall(t.Context(), t, p, out, 0.2)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-running:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Minute):
		t.Error("the call has no result")
	}
}
