package python

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/goempy/goempy/python/internal/data"
)

func TestCommandRunsTheExtractedInterpreter(t *testing.T) {
	ep := mustFake(t)
	t.Setenv("PATH", "")
	t.Setenv("HOME", "")
	args, env := run(t, ep, "-c", "a b", "")
	if want := []string{"-c", "a b", ""}; !reflect.DeepEqual(args, want) {
		t.Errorf("args are %q", args)
	}
	if env["PYTHONNOUSERSITE"] != "1" {
		t.Errorf("environment is %q", env)
	}
	exe, err := ep.GetExePath()
	if err != nil || exe != filepath.Join(ep.GetExtractedPath(), "bin", "python3") || !filepath.IsAbs(exe) {
		t.Errorf("interpreter is %q, %v", exe, err)
	}
}

func TestPythonVariablesDoNotLeak(t *testing.T) {
	for _, name := range pythonVars {
		t.Setenv(name, "leaked")
	}
	t.Setenv("PYTHON_APP_SETTING", "mine")
	ep := mustFake(t)
	ep.AddPythonPath("/b")
	ep.AddPythonPath("/a")
	_, env := run(t, ep)
	for name, value := range env {
		if value == "leaked" {
			t.Errorf("%s leaks", name)
		}
	}
	if env["PYTHON_APP_SETTING"] != "mine" {
		t.Error("a program's own variable was taken away")
	}
	if env["PYTHONPATH"] != "/b:/a" {
		t.Errorf("PYTHONPATH is %q", env["PYTHONPATH"])
	}
}

func TestInheritedPythonEnv(t *testing.T) {
	t.Setenv("PYTHONPATH", "/theirs")
	t.Setenv("PYTHONSTARTUP", "theirs.py")
	ep := mustFake(t, WithInheritedPythonEnv())
	if _, env := run(t, ep); env["PYTHONPATH"] != "/theirs" || env["PYTHONSTARTUP"] != "theirs.py" || env["PYTHONNOUSERSITE"] != "" {
		t.Errorf("environment is %q", env)
	}
	ep.AddPythonPath("/ours")
	if _, env := run(t, ep); env["PYTHONPATH"] != "/ours:/theirs" {
		t.Errorf("PYTHONPATH is %q", env["PYTHONPATH"])
	}
}

func TestPythonHome(t *testing.T) {
	home := mustFake(t).GetExtractedPath()
	t.Setenv("PYTHONHOME", "/elsewhere")
	_, env := run(t, NewPython(WithPythonHome(home)))
	if env["PYTHONHOME"] != home {
		t.Errorf("PYTHONHOME is %q", env["PYTHONHOME"])
	}
}

func TestLazyExtract(t *testing.T) {
	ep := mustFake(t, WithLazyExtract())
	if args, _ := run(t, ep, "x"); len(args) != 1 {
		t.Errorf("args are %q", args)
	}
}

func TestNoPayload(t *testing.T) {
	for _, c := range []struct {
		musl          bool
		carried, want []string
		not           string
	}{
		{false, []string{"darwin-arm64", "linux-amd64-musl"}, []string{"for linux/amd64:", "the musl ones need -tags musl"}, "GOAMD64"},
		{false, []string{"linux-arm64", "linux-amd64-v3"}, []string{"amd64-v3 needs GOAMD64=v3"}, "musl"},
		{true, []string{"linux-amd64"}, []string{"for linux/amd64 with -tags musl:", "without -tags musl"}, "need -tags musl"},
		{false, []string{"windows-amd64"}, []string{"build for one of these or choose"}, "("},
	} {
		err := noPayloadFor("linux/amd64", c.musl, "0.1.0", "3.14.9", c.carried)
		for _, want := range append(c.want, "github.com/goempy/goempy 0.1.0", "Python 3.14.9", strings.Join(c.carried, ", ")) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in: %v", want, err)
			}
		}
		if strings.Contains(err.Error(), c.not) {
			t.Errorf("%q is in: %v", c.not, err)
		}
		if !errors.Is(err, ErrNoPayload) {
			t.Error("does not match ErrNoPayload")
		}
	}
	if data.Platform != "" {
		t.Skip("this tree has a payload: the constructors' own error cannot be seen")
	}
	if _, err := NewEmbeddedPython("x"); !errors.Is(err, ErrNoPayload) || strings.Contains(err.Error(), "musl") != forMusl {
		t.Errorf("NewEmbeddedPython: %v", err)
	}
}

func TestEmptyPythonPath(t *testing.T) {
	t.Setenv("PYTHONPATH", "")
	ep := mustFake(t)
	ep.AddPythonPath("")
	if _, env := run(t, ep); env["PYTHONPATH"] != "" {
		t.Errorf("PYTHONPATH is %q", env["PYTHONPATH"])
	}
	ep.AddPythonPath("/a")
	ep.AddPythonPath("")
	ep.AddPythonPath("/b")
	if _, env := run(t, ep); env["PYTHONPATH"] != "/a:/b" {
		t.Errorf("PYTHONPATH is %q", env["PYTHONPATH"])
	}
}

func TestEmbeddedPythonMadeByHand(t *testing.T) {
	home := mustFake(t).GetExtractedPath()
	ep := &EmbeddedPython{Python: NewPython(WithPythonHome(home))}
	cmd, err := ep.PythonCmdContext(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), "arg x\n") {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := (&EmbeddedPython{}).PythonCmdContext(t.Context()); err == nil {
		t.Error("without a Python: no error")
	}
	_, errPrune := ep.Prune(0)
	for _, err := range []error{ep.Cleanup(), ep.Verify(), ep.Repair(), errPrune, ep.SelfCheck(t.Context())} {
		if !errors.Is(err, ErrNotExtracted) {
			t.Errorf("error: %v", err)
		}
	}
	if p := ep.GetExtractedPath(); p != "" {
		t.Errorf("path is %q", p)
	}
}

func TestCacheDir(t *testing.T) {
	files := fakePayload(t, fakeInterpreter)
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	base, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		ep, err := inCacheDir("myapp", nil, func(opts []PythonOpt, extract extractFunc) (*EmbeddedPython, error) {
			return newFromFiles(files, opts, extract)
		})
		if err != nil {
			t.Fatal(err)
		}
		if dir := ep.GetExtractedPath(); !strings.HasPrefix(dir, filepath.Join(base, "myapp", "python-")) {
			t.Errorf("it is in %s", dir)
		}
		if args, _ := run(t, ep, "x"); len(args) != 1 {
			t.Errorf("args are %q", args)
		}
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if _, err := NewEmbeddedPythonInCacheDir("myapp"); err == nil || errors.Is(err, ErrNoPayload) {
		t.Errorf("without a cache dir: %v", err)
	}
}

func TestListSeparatorInAPythonPath(t *testing.T) {
	ep := mustFake(t)
	ep.AddPythonPath(filepath.Join("a", "b"))
	if _, err := ep.PythonCmd("-V"); err != nil {
		t.Fatal(err)
	}
	odd := "x" + string(os.PathListSeparator) + "y"
	ep.AddPythonPath(odd)
	if _, err := ep.PythonCmd("-V"); !errors.Is(err, ErrPythonPath) || !strings.Contains(err.Error(), odd) {
		t.Errorf("error: %v", err)
	}
}

// Cleaners of temp dirs remove what was not used for some days.
func TestInterpreterThatWasRemoved(t *testing.T) {
	ep := mustFake(t)
	dir := ep.GetExtractedPath()
	for _, gone := range [][]string{{filepath.Join(dir, "bin")}, {dir}, {dir, dir + ".goempy"}, {filepath.Dir(dir)}} {
		if runtime.GOOS == "windows" && len(gone) > 1 {
			continue // it keeps files that are locked
		}
		for _, path := range gone {
			if err := os.RemoveAll(path); err != nil && runtime.GOOS != "windows" {
				t.Fatal(err)
			}
		}
		if args, _ := run(t, ep, "x"); len(args) != 1 {
			t.Errorf("without %q: args are %q", gone, args)
		}
		if err := ep.Verify(); err != nil {
			t.Errorf("without %q: %v", gone, err)
		}
	}
}

// One goroutine restores what many miss.
func TestManyMissTheInterpreter(t *testing.T) {
	ep := mustFake(t)
	restored := 0
	restore := ep.py.restore
	ep.py.restore = func() error {
		restored++
		return restore()
	}
	if err := os.RemoveAll(filepath.Join(ep.GetExtractedPath(), "bin")); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 32 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := ep.PythonCmd("x"); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if restored != 1 {
		t.Errorf("restored %d times", restored)
	}
}
