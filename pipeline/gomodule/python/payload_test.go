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

// helperEnv makes the test binary a program that runs one line of Python. Its
// value is the directory to extract to.
const helperEnv = "GOEMPY_TEST_PYTHON"

func TestMain(m *testing.M) {
	dir := os.Getenv(helperEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	ep, err := NewEmbeddedPythonWithTmpDir(dir, true)
	if err == nil {
		var cmd *exec.Cmd
		if cmd, err = ep.PythonCmd("-c", "print('ran')"); err == nil {
			cmd.Stdout = os.Stdout
			err = cmd.Run()
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	os.Exit(0)
}

// program is a process that starts once in dir.
func program(t testing.TB, dir string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	// A program with the race detector sleeps a second before it exits.
	cmd.Env = append(os.Environ(), helperEnv+"="+dir, "GORACE=atexit_sleep_ms=0")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

func timed(t testing.TB, dir string) time.Duration {
	t.Helper()
	begin := time.Now()
	if cmd, out := program(t, dir); cmd.Run() != nil {
		t.Fatal(out)
	}
	return time.Since(begin)
}

// Many processes that start cold at once take hardly longer than one cold
// start and the warm starts of the others.
func TestPayloadManyColdStarts(t *testing.T) {
	needPayload(t)
	const n = 64
	base := t.TempDir()
	cold := timed(t, filepath.Join(base, "one"))
	warm := time.Hour
	for range 3 {
		warm = min(warm, timed(t, filepath.Join(base, "one")))
	}
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
	took, limit := time.Since(begin), 2*cold+n*warm
	t.Logf("one cold start %v, one warm start %v, %d cold starts at once %v", cold, warm, n, took)
	if took > limit {
		t.Errorf("they took %v, more than %v", took, limit)
	}
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
