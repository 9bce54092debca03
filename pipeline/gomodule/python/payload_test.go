package python

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
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
	if runtime.GOOS != "linux" {
		return
	}
	mapped := output(t, ep, `
import importlib
for name in "_ssl", "_sqlite3", "_ctypes", "_lzma", "_bz2", "zlib", "_hashlib", "_uuid", "readline", "_curses":
    try:
        importlib.import_module(name)
    except ImportError:
        pass
for line in open("/proc/self/maps"):
    f = line.split(None, 5)
    if len(f) == 6 and f[5].startswith("/"):
        print(f[5].rstrip())
`)
	ours := false
	for _, path := range strings.Split(mapped, "\n") {
		path = strings.TrimSpace(path)
		inTree := strings.HasPrefix(path, tree+"/")
		ours = ours || inTree
		if !inTree && !ofSystem.MatchString(path) {
			t.Errorf("%s is mapped", path)
		}
	}
	if !ours {
		t.Errorf("nothing of the tree is mapped: %s", mapped)
	}
}

// ofSystem are files in the library directories of the system, and devices.
var ofSystem = regexp.MustCompile(`^(?:/usr)?/lib(?:32|64|x32)?/|^/dev/|^/memfd:`)

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
		if ep.GetExtractedPath() != first.GetExtractedPath() {
			t.Errorf("it is in %s", ep.GetExtractedPath())
		}
	}
	if !maps.Equal(before, look()) {
		t.Error("a warm start has changed the tree")
	}
	t.Logf("a warm start takes %v", best)
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

// First extractions that are killed at random moments: the next start ends with
// a complete tree and an interpreter that works.
func TestPayloadKilledExtraction(t *testing.T) {
	needPayload(t)
	base := t.TempDir()
	cold := timed(t, filepath.Join(base, "cold"))
	rounds := 20
	if testing.Short() {
		rounds = 10
	}
	killed := 0
	for i := range rounds {
		dir := filepath.Join(base, fmt.Sprint(i))
		cmd, _ := program(t, dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(cold))))
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
		if err := ep.Cleanup(); err != nil {
			t.Errorf("kill %d: %v", i, err)
		}
	}
	t.Logf("%d of %d were killed before their end", killed, rounds)
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

// Many processes that start cold at once all run. How long they take is in the
// log: other work on the machine has its part in that.
func TestPayloadManyColdStarts(t *testing.T) {
	needPayload(t)
	n := 64
	if testing.Short() {
		n = 8
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
	ep, err := NewEmbeddedPythonWithTmpDir(filepath.Join(base, "many"), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := ep.Verify(); err != nil {
		t.Error(err)
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
