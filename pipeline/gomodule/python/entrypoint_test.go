package python

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// somePackages is a directory as pip fills it, with the scripts of these entry points.
func somePackages(t *testing.T, entryPoints string, scripts ...string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"tool-1.dist-info/entry_points.txt": entryPoints}
	for _, name := range scripts {
		files["bin/"+name] = "print('" + name + "')\n"
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestEntryPoint(t *testing.T) {
	first := somePackages(t, "# made by hand\n[pytest11]\nplugin = tool\n\n[console_scripts]\nblack=tool:main\n; none = x:y\n", "black")
	second := somePackages(t, "[console_scripts]\r\nblack = other:main\r\nmy tool = tool.cli:run [extra]\r\n[gui_scripts]\r\nshow = tool:show\r\n",
		"black", "my tool", "show")
	ep := mustFake(t)
	for _, dir := range []string{filepath.Join(first, "missing"), first, second} {
		ep.AddPythonPath(dir)
	}
	for name, dir := range map[string]string{"black": first, "my tool": second, "show": second} {
		cmd, err := ep.EntryPoint(name, "a b", "-c")
		if err != nil {
			t.Fatal(err)
		}
		ctxCmd, err := ep.EntryPointContext(t.Context(), name, "a b", "-c")
		if err != nil {
			t.Fatal(err)
		}
		exe, err := ep.GetExePath()
		if err != nil {
			t.Fatal(err)
		}
		want := []string{exe, filepath.Join(dir, "bin", name), "a b", "-c"}
		if !reflect.DeepEqual(cmd.Args, want) || !reflect.DeepEqual(ctxCmd.Args, want) {
			t.Errorf("%s is %q and %q", name, cmd.Args, ctxCmd.Args)
		}
	}
	for _, name := range []string{"plugin", "none", "; none", ""} {
		_, err := ep.EntryPoint(name)
		if !errors.Is(err, ErrNoEntryPoint) || !strings.HasSuffix(err.Error(), "there are black, my tool, show") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestEntryPointErrors(t *testing.T) {
	ep := mustFake(t)
	if _, err := ep.EntryPoint("tool"); !errors.Is(err, ErrNoEntryPoint) {
		t.Errorf("no directory: %v", err)
	}
	ep.AddPythonPath(somePackages(t, "[console_scripts]\ntool = tool:main\n"))
	if _, err := ep.EntryPoint("tool"); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNoEntryPoint) {
		t.Errorf("no script: %v", err)
	}
	if _, err := (&EmbeddedPython{}).EntryPoint("tool"); err == nil {
		t.Error("without a Python: no error")
	}
	byHand := &EmbeddedPython{Python: NewPython(WithPythonHome(ep.GetExtractedPath()))}
	byHand.AddPythonPath(somePackages(t, "[console_scripts]\ntool = tool:main\n", "tool"))
	if cmd, err := byHand.EntryPointContext(t.Context(), "tool"); err != nil || filepath.Base(cmd.Args[1]) != "tool" {
		t.Errorf("made by hand: %v", err)
	}
}

// On Windows, a program that shows windows has no console.
func TestPayloadEntryPoint(t *testing.T) {
	shared := sharedPython(t)
	ep := &EmbeddedPython{Python: NewPython(WithPythonHome(shared.GetExtractedPath()))}
	dir := somePackages(t, "[console_scripts]\ntool = tool:main\n[gui_scripts]\nshow = tool:main\n", "tool")
	script := "import os, sys\nwith open(sys.argv[1], 'w') as f: f.write(os.path.basename(sys.executable).lower())\n"
	if err := os.WriteFile(filepath.Join(dir, "bin", "show"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	ep.AddPythonPath(dir)
	cmd, err := ep.EntryPoint("tool")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "tool" {
		t.Errorf("%q, %v", out, err)
	}
	result := filepath.Join(t.TempDir(), "executable")
	cmd, err = ep.EntryPoint("show", result)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q, %v", out, err)
	}
	executable, err := os.ReadFile(result)
	if err != nil || (string(executable) == "pythonw.exe") != (runtime.GOOS == "windows") {
		t.Errorf("%q, %v", executable, err)
	}
}
