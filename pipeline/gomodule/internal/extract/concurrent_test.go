package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

func TestContextEndsTheWait(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	e := start(t, packed)
	path := filepath.Join(e.Dir(), "lib", "same.py")
	testtree.Must(t, os.WriteFile(path, []byte("damaged"), 0o644))
	lock, err := osfs.TakeLock(t.Context(), e.at.loc.lockPath(), osfs.WaitExclusive)
	testtree.Must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := openNamed(os.DirFS(packed), "test", Options{Context: ctx}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error: %v", err)
	}
	testtree.Must(t, lock.Close())
	start(t, packed, Options{Context: t.Context()})
	testtree.Must(t, e.Verify())
}

// A start that finds everything in place waits for nobody.
func TestWarmStartNeedsNoLock(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	e := start(t, packed)
	lock, err := osfs.TakeLock(t.Context(), e.at.loc.lockPath(), osfs.WaitExclusive)
	testtree.Must(t, err)
	defer lock.Close()
	start(t, packed)
}

func TestManyColdStarts(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.ManyFiles(50))
	n := 24
	if testing.Short() {
		n = 8
	}
	cmds := make([]*exec.Cmd, n)
	outs := make([]bytes.Buffer, n)
	for i := range cmds {
		cmds[i] = helper(t, packed)
		cmds[i].Stdout = &outs[i]
		cmds[i].Stderr = &outs[i]
	}
	for _, cmd := range cmds {
		testtree.Must(t, cmd.Start())
	}
	fresh := 0
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("start %d: %v: %s", i, err, outs[i].String())
		}
		if strings.HasPrefix(outs[i].String(), "fresh ") {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d of %d have extracted", fresh, n)
	}
	e := start(t, packed)
	testtree.Must(t, e.Verify())
}

// The same inside one process.
func TestManyGoroutines(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.ManyFiles(50))
	results := make(chan *Files)
	for range 16 {
		go func() {
			e, err := openNamed(os.DirFS(packed), "test")
			if err != nil {
				t.Error(err)
			}
			results <- e
		}()
	}
	var all []*Files
	fresh := 0
	for range 16 {
		e := <-results
		if e == nil {
			continue
		}
		all = append(all, e)
		if e.at.fresh {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d have extracted", fresh)
	}
	for i, e := range all {
		tree := e.Dir()
		testtree.Must(t, e.Cleanup())
		if _, err := os.Lstat(tree); (err == nil) != (i < len(all)-1) {
			t.Errorf("after %d of %d calls of Cleanup: %v", i+1, len(all), err)
		}
	}
}

// hold starts a process that uses a tree until the returned function is called.
func hold(t testing.TB, packed string, env ...string) (tree string, release func()) {
	t.Helper()
	return holdCmd(t, helper(t, packed, append(env, "GOEMPY_TEST_HOLD=1")...))
}

func holdCmd(t testing.TB, cmd *exec.Cmd) (tree string, release func()) {
	t.Helper()
	in, err := cmd.StdinPipe()
	testtree.Must(t, err)
	out, err := cmd.StdoutPipe()
	testtree.Must(t, err)
	testtree.Must(t, cmd.Start())
	line := make([]byte, 4096)
	n, err := out.Read(line)
	testtree.Must(t, err)
	word, path, _ := strings.Cut(strings.TrimSpace(string(line[:n])), " ")
	if word == "error" {
		t.Fatal(path)
	}
	return path, func() {
		_ = in.Close()
		testtree.Must(t, cmd.Wait())
	}
}

// A start that finds a tree while another process removes it makes it anew.
func TestStartsAgainstPrune(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.ManyFiles(5))
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	done := make(chan error)
	for range 4 {
		go func() {
			for range rounds {
				cmd := helper(t, packed)
				if out, err := cmd.CombinedOutput(); err != nil {
					done <- fmt.Errorf("%w: %s", err, out)
					return
				}
				e, err := openNamed(os.DirFS(packed), "test")
				if err == nil {
					err = e.Verify()
				}
				if err == nil {
					err = e.Cleanup()
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
