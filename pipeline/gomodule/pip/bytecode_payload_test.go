package pip

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/platforms"
)

// pycOf returns the bytecode of a module of packages, "" for one that is not compiled.
func pycOf(files map[string]string, folder, module string) string {
	for name, text := range files {
		if strings.HasPrefix(name, folder+"/__pycache__/"+module+".") {
			return text
		}
	}
	return ""
}

func TestPayloadBytecode(t *testing.T) {
	needPip(t)
	wheels := t.TempDir()
	wheel{name: "tool", version: "1", tag: "py3-none-any", files: map[string]string{
		"tool/__init__.py":    "def where(): return where.__code__.co_filename\n",
		"tool/data/module.py": "{{ a template }}\n",
	}}.write(t, wheels)
	dir := filepath.Join(t.TempDir(), "data")
	requirements := someRequirements(t, "tool\n")
	if err := CreateEmbeddedPipPackagesForKnownPlatforms(requirements, dir, fromFolder(wheels)...); err != nil {
		t.Fatal(err)
	}
	site := t.TempDir()
	for _, p := range platforms.All {
		files := unpack(t, filepath.Join(dir, p.Name))
		pyc := pycOf(files, "tool", "__init__")
		if len(pyc) < 16 || binary.LittleEndian.Uint32([]byte(pyc[4:])) != 1 {
			t.Fatalf("%s has %q", p.Name, names(files))
		}
		if strings.Contains(pyc, os.TempDir()) || pycOf(files, "tool/data", "module") != "" {
			t.Errorf("%s: a path of this machine, or a compiled template", p.Name)
		}
		writeFiles(t, site, files)
	}

	// The source is another one now, and what was compiled is run; its file is where it is.
	writeFiles(t, site, map[string]string{"tool/__init__.py": "def where(): return 'compiled again'\n"})
	ep := mustPython(t)
	ep.AddPythonPath(site)
	cmd, err := ep.PythonCmd("-c", "import tool; print(tool.where())")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != filepath.Join(site, "tool", "__init__.py") {
		t.Errorf("%q, %v", out, err)
	}

	opts := append(fromFolder(wheels), WithoutBytecode(), WithPlatforms(platforms.All[0].Name))
	if err := CreateEmbeddedPipPackagesForKnownPlatforms(requirements, dir, opts...); err != nil {
		t.Fatal(err)
	}
	if files := unpack(t, filepath.Join(dir, platforms.All[0].Name)); pycOf(files, "tool", "__init__") != "" {
		t.Errorf("there is %q", names(files))
	}
}

func TestSourceOfBytecode(t *testing.T) {
	for pyc, want := range map[string]string{
		"__pycache__/six.cpython-314.pyc":          "six.py",
		"json/__pycache__/decoder.cpython-314.pyc": "json/decoder.py",
		"a/b/__pycache__/c.d.cpython-310.pyc":      "a/b/c.d.py",
	} {
		if got := sourceOf(pyc); got != want {
			t.Errorf("%s is of %s", pyc, got)
		}
	}
}
