package python

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/python/internal/data"
)

// realPython extracts the embedded interpreter below a directory of the test.
func realPython(t testing.TB, opts ...PythonOpt) *EmbeddedPython {
	t.Helper()
	needPayload(t)
	ep, err := NewEmbeddedPythonWithTmpDir(filepath.Join(t.TempDir(), "python"), true, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ep.Cleanup() })
	return ep
}

func output(t testing.TB, ep Python, code string) string {
	t.Helper()
	cmd, err := ep.PythonCmd("-c", code)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

func TestPayloadVersion(t *testing.T) {
	ep := realPython(t)
	t.Setenv("PATH", "")
	t.Setenv("HOME", "")
	got := output(t, ep, "import platform; print(platform.python_version())")
	if want := strings.TrimSuffix(data.Python, "t"); got != want {
		t.Errorf("Python is %s, want %s", got, want)
	}
}

// Modules that a build may lack are imported where it has them.
func TestPayloadImports(t *testing.T) {
	ep := realPython(t)
	t.Setenv("PATH", "")
	t.Setenv("HOME", "")
	out := output(t, ep, `
import importlib.util, json, asyncio
missing = []
for name, native in (("ssl", "_ssl"), ("sqlite3", "_sqlite3"), ("ctypes", "_ctypes"), ("lzma", "_lzma"),
                     ("bz2", "_bz2"), ("zlib", "zlib"), ("hashlib", "_hashlib")):
    if importlib.util.find_spec(native):
        importlib.import_module(name)
    else:
        missing.append(name)
async def f():
    return json.dumps(missing)
print(asyncio.run(f()))
`)
	var missing []string
	if err := json.Unmarshal([]byte(out), &missing); err != nil {
		t.Fatal(err)
	}
	t.Logf("not in this build: %q", missing)
}

func TestPayloadStandsAlone(t *testing.T) {
	ep := realPython(t)
	tree, err := filepath.EvalSymlinks(ep.GetExtractedPath())
	if err != nil {
		t.Fatal(err)
	}
	out := output(t, ep, `
import json, sys, os, encodings
print(json.dumps([os.path.realpath(p) for p in sys.path if p] +
    [os.path.realpath(p) for p in (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.executable, encodings.__file__)]))
`)
	var paths []string
	if err := json.Unmarshal([]byte(out), &paths); err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		if p != tree && !strings.HasPrefix(p, tree+string(filepath.Separator)) {
			t.Errorf("%s is outside %s", p, tree)
		}
	}
}

func TestPayloadIsRepaired(t *testing.T) {
	ep := realPython(t)
	encodings := output(t, ep, "import encodings; print(encodings.__file__)")
	if err := os.WriteFile(encodings, []byte("raise SystemExit('evil')\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := ep.Verify(); !errors.Is(err, embed_util.ErrDamaged) {
		t.Errorf("Verify: %v", err)
	}
	if err := ep.Repair(); err != nil {
		t.Fatal(err)
	}
	if got := output(t, ep, "print('well')"); got != "well" {
		t.Errorf("got %q", got)
	}
	if err := ep.SelfCheck(t.Context()); err != nil {
		t.Error(err)
	}
}

// The limit is loose, for machines that are busy; the log has the numbers.
func TestPayloadWarmStart(t *testing.T) {
	first := realPython(t)
	dir := strings.TrimSuffix(first.GetExtractedPath(), filepath.Base(first.GetExtractedPath())) + "python"
	best := time.Hour
	for range 20 {
		begin := time.Now()
		if _, err := NewEmbeddedPythonWithTmpDir(dir, true); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(begin))
	}
	t.Logf("a warm start takes %v", best)
	if best > 50*time.Millisecond {
		t.Errorf("a warm start takes %v", best)
	}
}

func TestPayloadConcurrentColdStarts(t *testing.T) {
	needPayload(t)
	dir := filepath.Join(t.TempDir(), "python")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			ep, err := NewEmbeddedPythonWithTmpDir(dir, true)
			if err != nil {
				t.Error(err)
				return
			}
			cmd, err := ep.PythonCmd("-c", fmt.Sprintf("print(%d*2)", i))
			if err != nil {
				t.Error(err)
				return
			}
			if out, err := cmd.Output(); err != nil || strings.TrimSpace(string(out)) != fmt.Sprint(i*2) {
				t.Errorf("%q, %v", out, err)
			}
		}()
	}
	wg.Wait()
}

func TestPayloadVenv(t *testing.T) {
	ep := realPython(t)
	if output(t, ep, "import importlib.util; print(bool(importlib.util.find_spec('venv')))") != "True" {
		t.Skip("this build has no venv module")
	}
	dir := filepath.Join(t.TempDir(), "venv")
	cmd, err := ep.PythonCmd("-m", "venv", "--without-pip", dir)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	exe := exeIn(dir, ep.GetExeName())
	if _, err := os.Stat(exe); err != nil {
		exe = filepath.Join(dir, "Scripts", ep.GetExeName())
	}
	out, err := exec.Command(exe, "-c", "import sys; print(sys.prefix != sys.base_prefix)").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "True" {
		t.Errorf("the virtual environment's Python: %q, %v", out, err)
	}
}
