package python

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goempy/goempy/embed_util"
)

// How long a warm start takes is in the log. What can be asserted on every
// machine is that it finds the tree and changes nothing in it.
func TestPayloadWarmStart(t *testing.T) {
	first := realPython(t)
	dir := filepath.Join(filepath.Dir(first.GetExtractedPath()), "python")
	look := func() map[string]time.Time {
		times := make(map[string]time.Time)
		err := filepath.WalkDir(first.GetExtractedPath(), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			st, err := d.Info()
			if err == nil {
				times[path] = st.ModTime()
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return times
	}
	before := look()
	best := time.Hour
	for range 20 {
		begin := time.Now()
		ep, err := NewEmbeddedPythonWithTmpDir(dir, true)
		best = min(best, time.Since(begin))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ep.Cleanup() })
		if ep.GetExtractedPath() != first.GetExtractedPath() {
			t.Errorf("it is in %s", ep.GetExtractedPath())
		}
	}
	if !maps.Equal(before, look()) {
		t.Error("a warm start has changed the tree")
	}
	t.Logf("a warm start takes %v", best)
}

// Paths that Windows does not take are explained; where it takes them, and on other
// systems, Python starts from them.
func TestPayloadInALongPath(t *testing.T) {
	needPayload(t)
	dir := t.TempDir()
	for len(dir) < maxWindowsPath {
		dir = filepath.Join(dir, strings.Repeat("d", 50))
	}
	ep, err := NewEmbeddedPythonWithTmpDir(filepath.Join(dir, "python"), true)
	var start *StartError
	if errors.As(err, &start) && runtime.GOOS == "windows" {
		if !strings.Contains(start.Cause, "long paths") {
			t.Errorf("error: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := output(t, ep, "print('well')"); got != "well" {
		t.Errorf("got %q", got)
	}
	if err := ep.Cleanup(); err != nil {
		t.Error(err)
	}
}

func TestPayloadInCacheDir(t *testing.T) {
	needPayload(t)
	cache := t.TempDir()
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, cache)
	}
	base, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	ep, err := NewEmbeddedPythonInCacheDir("myapp")
	if err != nil {
		t.Fatal(err)
	}
	dir := ep.GetExtractedPath()
	if !strings.HasPrefix(dir, filepath.Join(base, "myapp", "python-")) {
		t.Errorf("it is in %s", dir)
	}
	if got := output(t, ep, "print('well')"); got != "well" {
		t.Errorf("got %q", got)
	}
	if err := ep.Cleanup(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Cleanup: %v", err)
	}
}

// First extractions that are killed at moments all over the time that one takes: the
// next start ends with a complete tree and an interpreter that works.
func TestPayloadKilledExtraction(t *testing.T) {
	needPayload(t)
	base, err := os.MkdirTemp("", "killed-")
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir: Windows keeps the program of a Python that is still running.
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	// Windows' clock may not have moved on.
	cold := max(timed(t, filepath.Join(base, "cold")), time.Millisecond)
	kills := 10
	if testing.Short() {
		kills = 3
	}
	killed := 0
	for i := range kills {
		dir := filepath.Join(base, fmt.Sprint(i))
		cmd, _ := program(t, dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep((time.Duration(i)*cold + rand.N(cold)) / time.Duration(kills))
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		ep, err := NewEmbeddedPythonWithTmpDir(dir, true)
		if err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		if got := output(t, ep, "import json; print(json.dumps('well'))"); got != `"well"` {
			t.Errorf("kill %d: got %q", i, got)
		}
		if err := ep.Verify(); err != nil {
			t.Errorf("kill %d: %v", i, err)
		}
		// A Python that the killed process has started may go on for a moment.
		if err := ep.Cleanup(); err != nil && !errors.Is(err, embed_util.ErrInUse) {
			t.Errorf("kill %d: %v", i, err)
		}
	}
	t.Logf("%d of %d were killed before their end", killed, kills)
}

// Many processes start cold at once: one of them extracts, and all of them run. How
// long that takes, beside one start, is in the log.
func TestPayloadManyColdStarts(t *testing.T) {
	needPayload(t)
	n := 64
	if testing.Short() {
		n = 4
	}
	base := t.TempDir()
	cold := timed(t, filepath.Join(base, "one"))
	warm := timed(t, filepath.Join(base, "one"))
	begin := time.Now()
	cmds := make([]*exec.Cmd, n)
	outs := make([]*bytes.Buffer, n)
	for i := range cmds {
		cmds[i], outs[i] = program(t, filepath.Join(base, "many"))
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil || strings.TrimSpace(outs[i].String()) != "ran" {
			t.Errorf("start %d: %v: %s", i, err, outs[i])
		}
	}
	t.Logf("one cold start %v, one warm start %v, %d cold starts at once %v", cold, warm, n, time.Since(begin))
}
