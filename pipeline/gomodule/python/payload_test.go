package python

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/python/internal/data"
)

func TestPayloadVersion(t *testing.T) {
	ep := sharedPython(t)
	t.Setenv("PATH", "")
	t.Setenv("HOME", "")
	got := output(t, ep, "import platform; print(platform.python_version())")
	if want := strings.TrimSuffix(data.Python, "t"); got != want {
		t.Errorf("Python is %s, want %s", got, want)
	}
}

// Modules that a build may lack are imported where it has them.
func TestPayloadImports(t *testing.T) {
	ep := sharedPython(t)
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
	ep := sharedPython(t)
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

func TestPayloadVenv(t *testing.T) {
	ep := sharedPython(t)
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
