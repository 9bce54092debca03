package pip

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// As soon as one requirement has a hash, one without is an error.
func TestPayloadHashes(t *testing.T) {
	needPip(t)
	dir := filepath.Join(t.TempDir(), "data")
	requirements := someRequirements(t, "goempy_native==1 \\\n    --hash=sha256:"+strings.Repeat("0", 64)+"\n")
	err := CreateEmbeddedPipPackages(requirements, "", "", nil, dir, fromFolder(wheelFolder(t))...)
	if err == nil || errors.Is(err, ErrNoWheel) || !strings.Contains(err.Error(), "DO NOT MATCH THE HASHES") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("there is a result")
	}
}

// Settings for other uses of pip, in variables and in a file, do not change
// what is installed; those that say where packages come from do their work.
func TestPayloadSettings(t *testing.T) {
	needPip(t)
	wheels := wheelFolder(t)
	links := filepath.Join(t.TempDir(), "links") // a setting cannot hold a space
	if err := os.Rename(wheels, links); err != nil {
		t.Fatal(err)
	}
	requirements := someRequirements(t, "goempy_tool\n")
	quiet := WithOutput(nil)
	for _, name := range []string{"PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CONFIG_FILE"} {
		t.Setenv(name, "")
		_ = os.Unsetenv(name)
	}
	clean := t.TempDir()
	if err := CreateEmbeddedPipPackages(requirements, "", "", nil, clean, append(fromFolder(links), quiet)...); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	bad := map[string]string{
		"root": elsewhere, "prefix": elsewhere, "target": elsewhere, "python": filepath.Join(elsewhere, "python3"),
		"python-version": "2.7", "abi": "none", "implementation": "jy", "platform": "plan9", "no-deps": "1",
		"dry-run": "1", "user": "1", "require-virtualenv": "1", "src": elsewhere, "report": elsewhere + "/r", "quiet": "3",
	}
	for _, section := range []string{"variable", "global", "install"} {
		t.Run(section, func(t *testing.T) {
			config := "[global]\nno-index = 1\nfind-links =\n    " + filepath.Join(elsewhere, "none") + "\n    " + links + "\n"
			if section == "install" {
				config += "[install]\n"
			}
			for name, value := range bad {
				if section == "variable" {
					t.Setenv("PIP_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_")), value)
				} else {
					config += name + " = " + value + "\n"
				}
			}
			dir := t.TempDir()
			writeFiles(t, dir, map[string]string{"pip.conf": config})
			t.Setenv("PIP_CONFIG_FILE", filepath.Join(dir, "pip.conf"))
			data := filepath.Join(dir, "data")
			if err := CreateEmbeddedPipPackages(requirements, "", "", nil, data, quiet); err != nil {
				t.Fatal(err)
			}
			sameTree(t, clean, data)
		})
	}
}

// What is written to another place by the caller's own arguments is not taken
// for a success.
func TestPayloadNothingInstalled(t *testing.T) {
	needPip(t)
	dir := filepath.Join(t.TempDir(), "data")
	opts := append(fromFolder(wheelFolder(t)), WithPipArgs("--dry-run"))
	err := CreateEmbeddedPipPackages(someRequirements(t, "goempy_tool\n"), "", "", nil, dir, opts...)
	if err == nil || !strings.Contains(err.Error(), "nothing was installed") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("there is a result")
	}
}

// Markers are those of the platform that is installed for.
func TestPayloadMarkers(t *testing.T) {
	needPip(t)
	wheels := t.TempDir()
	var requirements string
	for system, marker := range map[string]string{
		"linux": "sys_platform == 'linux'", "darwin": "platform_system == 'Darwin'", "windows": "sys_platform == 'win32'",
	} {
		wheel{name: "goempy_" + system, version: "1", tag: "py3-none-any"}.write(t, wheels)
		requirements += "goempy_" + system + "; " + marker + "\n"
	}
	tags := map[string][]string{"linux": {"manylinux2014_x86_64"}, "darwin": {"macosx_11_0_x86_64"}, "windows": {"win_amd64"}}
	for goOs := range tags {
		dir := filepath.Join(t.TempDir(), "data")
		err := CreateEmbeddedPipPackages(someRequirements(t, requirements), goOs, "amd64", tags[goOs], dir, fromFolder(wheels)...)
		if err != nil {
			t.Fatal(err)
		}
		for other := range tags {
			_, has := unpack(t, filepath.Join(dir, goOs+"-amd64"))["goempy_"+other+"/__init__.py"]
			if has != (other == goOs) {
				t.Errorf("packages for %s have goempy_%s: %v", goOs, other, has)
			}
		}
	}
	// Nothing at all is right where markers exclude everything.
	dir := filepath.Join(t.TempDir(), "data")
	err := CreateEmbeddedPipPackages(someRequirements(t, "goempy_windows; sys_platform == 'win32'\n"), "linux", "amd64", tags["linux"],
		dir, fromFolder(wheels)...)
	if err != nil {
		t.Fatal(err)
	}
	if files := unpack(t, filepath.Join(dir, "linux-amd64")); len(files) > 0 {
		t.Errorf("packages for linux are %q", names(files))
	}
}

// A pip that is not as the driver expects it does not run.
func TestPayloadOtherPip(t *testing.T) {
	needPip(t)
	const (
		configuration = "class Configuration:\n    def __init__(self, isolated): pass\n    def load(self): pass\n    def items(self): return []\n"
		marker        = "class Marker:\n    def __init__(self, text): pass\n    def evaluate(self): return "
		main          = "print('PIP RUNS')\n"
	)
	for name, c := range map[string]struct{ configuration, markers, want string }{
		"no configuration":    {"", marker + "True\n", "which settings count"},
		"no environment":      {configuration, marker + "True\n", "markers of another platform"},
		"environment unused":  {configuration, marker + "True\ndef default_environment(): return {}\n", "from elsewhere"},
		"environment ignored": {configuration, marker + "False\ndef default_environment(): return {}\n", "is another"},
	} {
		t.Run(name, func(t *testing.T) {
			lib := t.TempDir()
			writeFiles(t, lib, map[string]string{
				"pip/__init__.py":                   "__version__ = '99'\n",
				"pip/__main__.py":                   main,
				"pip/_internal/__init__.py":         "",
				"pip/_internal/configuration.py":    c.configuration,
				"pip/_vendor/__init__.py":           "",
				"pip/_vendor/packaging/__init__.py": "",
				"pip/_vendor/packaging/markers.py":  c.markers,
			})
			ep := mustPython(t)
			ep.AddPythonPath(lib)
			var out bytes.Buffer
			err := CreateEmbeddedPipPackages2(ep, someRequirements(t, "tool\n"), "windows", "amd64", []string{"win_amd64"},
				filepath.Join(t.TempDir(), "data"), WithOutput(&out))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "pip 99") || strings.Contains(out.String(), "PIP RUNS") {
				t.Errorf("error %v", err)
			}
		})
	}
}
