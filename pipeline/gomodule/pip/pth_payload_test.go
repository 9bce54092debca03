package pip

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/internal/platforms"
	"github.com/goempy/goempy/python"
)

// pthWheels has goempy_pth_a, which only works with its .pth file,
// goempy_pth_own, which has a sitecustomize too, and goempy_pth_none.
func pthWheels(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"a", "own"} {
		w := wheel{name: "goempy_pth_" + name, version: "1", tag: "py3-none-any", files: map[string]string{
			"__editable__odd-" + name + ".pth": strings.ReplaceAll(announce, "NAME", name) + "import in_" + name + "\n",
			"below/in_" + name + ".py":         "",
		}}
		if name == "own" {
			w.files[hookName] = "import in_own, sys\nsys.stderr.write('own\\n')\n"
		}
		w.write(t, dir)
	}
	wheel{name: "goempy_pth_none", version: "1", tag: "py3-none-any"}.write(t, dir)
	return dir
}

// generatedFor installs a package for this machine, and returns where a program
// finds it.
func generatedFor(t *testing.T, wheels, name string) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	requirements := someRequirements(t, name+"\n")
	if err := CreateEmbeddedPipPackages(requirements, "", "", nil, data, fromFolder(wheels)...); err != nil {
		t.Fatal(err)
	}
	e, err := embed_util.NewEmbeddedFilesWithTmpDir(os.DirFS(data), filepath.Join(t.TempDir(), name), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Cleanup() })
	return e.GetExtractedPath()
}

// What is packed for a platform has the hook, with the same bytes everywhere,
// if its packages have .pth files.
func TestPayloadPthIsPacked(t *testing.T) {
	needPip(t)
	wheels := pthWheels(t)
	dir := filepath.Join(t.TempDir(), "data")
	goOs := platforms.All[0].GOOS
	requirements := "goempy_pth_none\ngoempy_pth_a; platform_system == '" + strings.ToUpper(goOs[:1]) + goOs[1:] + "'\n"
	if err := CreateEmbeddedPipPackagesForKnownPlatforms(someRequirements(t, requirements), dir, fromFolder(wheels)...); err != nil {
		t.Fatal(err)
	}
	for _, p := range platforms.All {
		want := ""
		if p.GOOS == goOs {
			want = hook
		}
		if got := unpack(t, filepath.Join(dir, p.Name))[hookName]; got != want {
			t.Errorf("%s has %q", p.Name, got)
		}
	}
}

// Generated folders and the user's own sitecustomize work together, also in
// processes that the interpreter starts and in virtual environments.
func TestPayloadPth(t *testing.T) {
	needPip(t)
	wheels := pthWheels(t)
	a, own := generatedFor(t, wheels, "goempy_pth_a"), generatedFor(t, wheels, "goempy_pth_own")
	b := withPth(t, "b", map[string]string{"below/in_b.py": ""})
	user := t.TempDir()
	writeFiles(t, user, map[string]string{hookName: "import in_a, sys\nsys.stderr.write('user\\n')\n"})
	t.Setenv("PYTHONPATH", user)

	for name, c := range map[string]struct {
		paths []string
		code  string
		want  []string
	}{
		"several":    {[]string{a, b}, "import in_a, in_b", []string{"pth of a", "pth of b", "user"}},
		"own":        {[]string{b, own}, "import in_b, in_own", []string{"pth of b", "pth of own", "own"}},
		"subprocess": {[]string{a}, "import subprocess; run = subprocess.check_call; run([sys.executable, '-c', 'import in_a'])", []string{"pth of a", "user", "pth of a", "user"}},
		"venv":       {[]string{a}, venvCode, []string{"pth of a", "user", "pth of a", "user"}},
	} {
		t.Run(name, func(t *testing.T) {
			ep, err := python.NewEmbeddedPython("pip-test", python.WithInheritedPythonEnv())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = ep.Cleanup() }()
			for _, path := range c.paths {
				ep.AddPythonPath(path)
			}
			cmd, err := ep.PythonCmd("-c", "import sys\n"+c.code+"\nimport json; print(json.dumps(sys.path))")
			if err != nil {
				t.Fatal(err)
			}
			cmd.Dir = t.TempDir()
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			s := started{Stderr: outputLines(stderr.String())}
			s.checkStderr(t, c.want...)
			if err := json.Unmarshal(out, &s.Path); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			want := slices.Clone(c.paths)
			for _, path := range c.paths {
				want = append(want, filepath.Join(path, "below"))
			}
			s.checkPath(t, c.paths, want...)
		})
	}
}

const venvCode = `
import os, subprocess, venv
# As "python -m venv" does: a copy would not find a libpython beside the original.
venv.create("v", symlinks=os.name != "nt", with_pip=False)
exe = os.path.join("v", "Scripts", "python.exe") if os.name == "nt" else os.path.join("v", "bin", "python")
subprocess.check_call([exe, "-c", "import in_a, sys; assert sys.prefix != sys.base_prefix"])`
