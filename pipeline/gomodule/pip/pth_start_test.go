package pip

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// anyPython3 is a Python of this machine, "" without one.
var anyPython3 = sync.OnceValue(func() string {
	for _, name := range []string{"python3", "python"} {
		out, err := exec.Command(name, "-c", "import sys; sys.version_info >= (3, 10) and print(sys.executable)").Output()
		if path := strings.TrimSpace(string(out)); err == nil && path != "" {
			return path
		}
	}
	return ""
})

// generatedSite makes a generated folder.
func generatedSite(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	writeFiles(t, dir, files)
	if err := addHook(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// withPth is a generated folder with announce for a .pth file.
func withPth(t *testing.T, name string, more map[string]string) string {
	t.Helper()
	files := map[string]string{
		"a.pth":          strings.ReplaceAll(announce, "NAME", name),
		"below/inner.py": "",
	}
	for name, text := range more {
		files[name] = text
	}
	return generatedSite(t, name, files)
}

// started is what the start of an interpreter has done.
type started struct {
	Path   []string          // sys.path
	Module string            // the file that sitecustomize comes from, "" without one
	Names  []string          // what it has defined
	Values map[string]string // what its attributes are
	Stderr []string          // in lines
}

const reportStart = `
import json, sys
module = sys.modules.get("sitecustomize")
names = {} if module is None else {n: str(v) for n, v in vars(module).items() if not n.startswith("__")}
print(json.dumps({"Path": sys.path, "Module": getattr(module, "__file__", None) or "", "Names": sorted(names), "Values": names}))
`

// startPython runs Python with these folders on PYTHONPATH.
func startPython(t *testing.T, path []string, args ...string) started {
	t.Helper()
	return startPythonWith(t, "", path, args...)
}

// startPythonWith is startPython with code that runs before anything is looked at.
func startPythonWith(t *testing.T, code string, path []string, args ...string) started {
	t.Helper()
	if anyPython3() == "" {
		t.Skip("no Python 3.10 or newer on PATH: the hook runs in one")
	}
	cmd := exec.Command(anyPython3(), append(args, "-c", code+reportStart)...)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+strings.Join(path, string(os.PathListSeparator)),
		"PYTHONNOUSERSITE=1", "PYTHONHOME=", "PYTHONVERBOSE=", "PYTHONSAFEPATH=1", "PYTHONUTF8=1")
	cmd.Dir = t.TempDir()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var s started
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.Stderr = outputLines(stderr.String())
	return s
}

func outputLines(text string) []string {
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n")
}

// checkPath compares the folders of sys.path that are below the given ones.
func (s *started) checkPath(t *testing.T, dirs []string, want ...string) {
	t.Helper()
	var got []string
	for _, p := range s.Path {
		if slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(p, dir) }) {
			got = append(got, p)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("sys.path has\n%q, not\n%q", got, want)
	}
}

func (s *started) checkStderr(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(s.Stderr, want) {
		t.Errorf("stderr is %q, not %q", s.Stderr, want)
	}
}
