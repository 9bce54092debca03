//go:build unix

package worker_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/testtree"
	"github.com/goempy/goempy/python/worker"
)

// TestNothingIsLeftOfAProcessThatDied: what it has started ends with it, whether it was forked
// or holds its standard error.
func TestNothingIsLeftOfAProcessThatDied(t *testing.T) {
	for _, function := range []string{"fork", "child"} {
		p, _ := newPool(t)
		left := call[int](t, p, function, nil)
		pid := call[int](t, p, "pid", nil)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		waitForEnd(t, left)
	}
}

// TestDeathWhileIdleIsNoError: the next call gets another process, also if something holds the
// standard error of the one that died.
func TestDeathWhileIdleIsNoError(t *testing.T) {
	for _, options := range [][]worker.Option{nil, {worker.Logger(slog.Default())}} {
		p, _ := newPool(t, options...)
		for _, function := range []string{"pid", "child"} {
			call[int](t, p, function, nil)
			pid := call[int](t, p, "pid", nil)
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			waitForEnd(t, pid)
			if now := call[int](t, p, "pid", nil); now == pid {
				t.Error("the process goes on")
			}
		}
	}
}

// TestForkedProcessHasNoPipes: neither its files nor its log entries are those of the protocol.
func TestForkedProcessHasNoPipes(t *testing.T) {
	p, out := newPool(t, worker.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	if got := call[string](t, p, "log_in_fork", t.TempDir()); got != "" {
		t.Errorf("its files have %q", got)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "in the child") {
		t.Errorf("%q", got)
	}
}

// TestNothingIsLeftOfAProgramThatWasKilled while a call runs.
func TestNothingIsLeftOfAProgramThatWasKilled(t *testing.T) {
	functions(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), helperEnv+"=1", "TMPDIR="+t.TempDir())
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stderr).ReadString('\n'); line != "sleeping\n" {
		t.Fatalf("%q, %v", line, err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	child, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	waitForEnd(t, child)
}

func waitForEnd(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); testtree.Alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d is left", pid)
		}
	}
}

// TestProcessesThatAreKilledAtRandom: every call ends with its own result or a clear error,
// and nothing is left.
func TestProcessesThatAreKilledAtRandom(t *testing.T) {
	calls, interval := 3000, 50*time.Millisecond
	if testing.Short() {
		calls = 1000
	}
	first, _ := newPool(t)
	call[int](t, first, "pid", nil) // what the processes of all pools share is open from here on
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	descriptors := openDescriptors(t)
	p, err := worker.NewPool(functions(t), "functions", worker.Size(4), worker.Output(nil))
	if err != nil {
		t.Fatal(err)
	}
	var pids sync.Map
	stop := make(chan struct{})
	var killer sync.WaitGroup
	killer.Add(1)
	go func() {
		defer killer.Done()
		for {
			select {
			case <-stop:
				return
			case <-time.After(interval):
			}
			killOne(&pids)
		}
	}()

	work := make(chan int)
	var results [3]int // good, died, canceled
	var mu sync.Mutex
	var callers sync.WaitGroup
	for range 64 {
		callers.Add(1)
		go func() {
			defer callers.Done()
			for n := range work {
				kind := callOnce(t, p, n, &pids)
				mu.Lock()
				results[kind]++
				mu.Unlock()
			}
		}()
	}
	died := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return results[1] > 0
	}
	deadline := time.Now().Add(10 * time.Minute)
	for n := 0; n < calls || !died() && time.Now().Before(deadline); n++ {
		work <- n
	}
	close(work)
	callers.Wait()
	close(stop)
	killer.Wait()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d results, %d died, %d canceled", results[0], results[1], results[2])
	if results[0] == 0 || results[1] == 0 {
		t.Error("the test shows nothing")
	}
	pids.Range(func(pid, _ any) bool {
		if testtree.Alive(pid.(int)) {
			t.Errorf("process %d is left", pid)
		}
		return true
	})
	if now := openDescriptors(t); now > descriptors {
		t.Errorf("%d descriptors before, %d after", descriptors, now)
	}
}

// callOnce makes the call number n, one in a hundred with a context that ends at some time.
func callOnce(t *testing.T, p *worker.Pool, n int, pids *sync.Map) int {
	ctx := t.Context()
	if n%100 == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, rand.N(2*time.Millisecond))
		defer cancel()
	}
	want := fmt.Sprint("call ", n)
	got, err := worker.Call[string, struct {
		Value string
		PID   int
	}](ctx, p, "identify", want)
	switch {
	case err == nil:
		pids.Store(got.PID, true)
		if got.Value != want {
			t.Errorf("%q got the result of %q", want, got.Value)
		}
		return 0
	case errors.Is(err, worker.ErrDied):
		return 1
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		return 2
	}
	t.Error(err)
	return 2
}

func killOne(pids *sync.Map) {
	var alive []int
	pids.Range(func(pid, _ any) bool {
		if testtree.Alive(pid.(int)) {
			alive = append(alive, pid.(int))
		} else {
			pids.Delete(pid)
		}
		return true
	})
	if len(alive) > 0 {
		_ = syscall.Kill(alive[rand.N(len(alive))], syscall.SIGKILL)
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
