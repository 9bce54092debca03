package pip

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/goempy/goempy/python"
)

// A program that runs installs into a directory or a virtual environment of its own, also
// what is beside the embedded pip in another version; pip refuses the tree itself.
func TestPayloadPipAtRunTime(t *testing.T) {
	needPip(t)
	wheels := t.TempDir()
	other := wheel{name: "setuptools", version: "75.0.0", tag: "py3-none-any", files: map[string]string{
		"setuptools/__init__.py": "found = 'other'\n",
	}}
	if err := other.save(wheels); err != nil {
		t.Fatal(err)
	}
	install := []string{"install", "--no-index", "--find-links", wheels, "setuptools==75.0.0"}
	pip := func(args ...string) (string, error) {
		ep := mustPython(t)
		ep.AddPythonPath(kept.lib.GetExtractedPath())
		cmd, err := ep.PythonCmd2(append([]string{"-m", "pip"}, args...))
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	t.Run("tree", func(t *testing.T) {
		out, err := pip(install...)
		if err == nil || !strings.Contains(out, "externally-managed-environment") || !strings.Contains(out, "--target DIR") {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("directory", func(t *testing.T) {
		dir := t.TempDir()
		if out, err := pip(append(install, "--target", dir)...); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if _, err := os.Stat(filepath.Join(dir, "setuptools", "__init__.py")); err != nil {
			t.Error(err)
		}
	})
	t.Run("environment", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("Wine 8 has no CopyFile2, which venv needs")
		}
		home, dir := filepath.Join(t.TempDir(), "python"), filepath.Join(t.TempDir(), "venv")
		extract := func() *python.EmbeddedPython {
			ep, err := python.NewEmbeddedPythonWithTmpDir(home, false)
			if err != nil {
				t.Fatal(err)
			}
			return ep
		}
		ep := extract()
		cmd, err := ep.PythonCmd("-m", "venv", "--without-pip", dir)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		bin := filepath.Join(dir, "bin", "python")
		if out, err := pip(append([]string{"--python", bin}, install...)...); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		// The interpreter of an upgrade is at the same path.
		if err := ep.Cleanup(); err != nil {
			t.Fatal(err)
		}
		ep = extract()
		defer func() { _ = ep.Cleanup() }()
		out, err := exec.Command(bin, "-c", "import setuptools; print(setuptools.found)").CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "other" {
			t.Errorf("%v: %s", err, out)
		}
	})
}
