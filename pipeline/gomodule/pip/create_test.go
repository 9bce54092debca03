package pip

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goempy/goempy/python"
)

func TestInstallForPlatforms(t *testing.T) {
	py := newFake(t)
	dir := filepath.Join(t.TempDir(), "some where", "data")
	var out bytes.Buffer
	if err := installAll(t, py, dir, nil, WithOutput(&out)); err != nil {
		t.Fatal(err)
	}
	if py.contexts != 0 {
		t.Error("a context was made up")
	}
	for _, p := range synthetic {
		files := unpack(t, filepath.Join(dir, p.Name))
		want := map[string]string{
			"tool/__init__.py":          "tags = ' tag_" + p.Name + " tag2'\n",
			"tool-1.dist-info/METADATA": "Name: tool\n",
			"bin/tool":                  anyPython + "import tool\n",
		}
		if !slices.Equal(names(files), names(want)) {
			t.Errorf("%s has %q", p.Name, names(files))
		}
		for name, text := range want {
			if files[name] != text {
				t.Errorf("%s: %s is %q", p.Name, name, files[name])
			}
		}
		if !strings.Contains(out.String(), "["+p.Name+"] installed  tag_"+p.Name+" tag2\n") {
			t.Errorf("%s is not in %q", p.Name, out.String())
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2*len(synthetic) {
		t.Errorf("%v, %v", entries, err)
	}

	first := tree(t, dir)
	if err := installAll(t, py, dir, nil); err != nil {
		t.Fatal(err)
	}
	second := tree(t, dir)
	for _, name := range names(first) {
		if first[name] != second[name] {
			t.Errorf("%s has changed", name)
		}
	}
	if len(first) != len(second) {
		t.Errorf("%d files, then %d", len(first), len(second))
	}
}

func TestSubsetLeavesOthers(t *testing.T) {
	py := newFake(t)
	dir := t.TempDir()
	if err := installAll(t, py, dir, nil); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	t.Setenv("FAKE_VERSION", "; version = 2")
	if err := installAll(t, py, dir, []string{"linux/arm64"}); err != nil {
		t.Fatal(err)
	}
	after := tree(t, dir)
	for name, text := range before {
		if !strings.HasPrefix(name, "linux-arm64/") && after[name] != text {
			t.Errorf("%s has changed", name)
		}
	}
	if got := unpack(t, filepath.Join(dir, "linux-arm64"))["tool/__init__.py"]; !strings.Contains(got, "version = 2") {
		t.Errorf("got %q", got)
	}
}

func TestFailureLeavesResults(t *testing.T) {
	py := newFake(t)
	dir := t.TempDir()
	if err := installAll(t, py, dir, nil); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	t.Setenv("FAKE_VERSION", "; version = 2")
	t.Setenv("FAKE_PIP", "tag_linux-arm64 missing")
	err := installAll(t, py, dir, []string{"linux-arm64", "linux-amd64"})
	var missing *WheelError
	if !errors.Is(err, ErrNoWheel) || !errors.As(err, &missing) {
		t.Fatalf("error %v", err)
	}
	if missing.Package != "tool==2" || missing.Platform != "linux-arm64" ||
		!slices.Equal(missing.Tags, []string{"tag_linux-arm64", "tag2"}) || !strings.Contains(missing.Output, "ERROR: No matching") {
		t.Errorf("error %+v", missing)
	}
	after := tree(t, dir)
	for name, text := range before {
		if !strings.HasPrefix(name, "linux-amd64/") && after[name] != text {
			t.Errorf("%s has changed", name)
		}
	}
	if got := unpack(t, filepath.Join(dir, "linux-amd64"))["tool/__init__.py"]; !strings.Contains(got, "version = 2") {
		t.Errorf("the platform that succeeded has %q", got)
	}

	t.Setenv("FAKE_PIP", "tag_linux-arm64 broken")
	err = installAll(t, py, dir, []string{"linux-arm64"})
	var exit *exec.ExitError
	if !errors.As(err, &exit) || errors.Is(err, ErrNoWheel) || !strings.Contains(err.Error(), "linux-arm64: exit status 3: ERROR: something else") {
		t.Errorf("error %v", err)
	}
	t.Setenv("FAKE_PIP", "tag_linux-arm64 none")
	if err = installAll(t, py, dir, []string{"linux-arm64"}); err == nil || !strings.Contains(err.Error(), "AddPythonPath") {
		t.Errorf("error %v", err)
	}
}

func TestFirstFailureLeavesNothing(t *testing.T) {
	py := newFake(t)
	dir := filepath.Join(t.TempDir(), "data")
	t.Setenv("FAKE_PIP", "tag_linux-arm64 broken")
	if err := installAll(t, py, dir, []string{"linux-arm64"}); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory: %v", err)
	}
}

func TestInstallForThisMachine(t *testing.T) {
	py := newFake(t)
	dir := filepath.Join(t.TempDir(), "data")
	writeFiles(t, dir, map[string]string{".gitignore": "*\n"})
	requirements := someRequirements(t, "tool\n")
	for range 2 {
		if err := create(py, requirements, "", "", nil, dir, newOptions([]Option{WithOutput(nil)})); err != nil {
			t.Fatal(err)
		}
		files := tree(t, dir)
		if !strings.Contains(files["embed.go"], "//go:embed all:*\nvar Data embed.FS") || files[".gitignore"] != "*\n" {
			t.Errorf("there is %q", files)
		}
		if got := unpack(t, dir)["tool/__init__.py"]; got != "tags = ''\n" {
			t.Errorf("got %q", got)
		}
	}
	writeFiles(t, dir, map[string]string{"main.go": "package data\n"})
	if err := create(py, requirements, "", "", nil, dir, newOptions([]Option{WithOutput(nil)})); err == nil {
		t.Error("a program was replaced")
	}
}

func TestInstallForArguments(t *testing.T) {
	py := newFake(t)
	dir := t.TempDir()
	var out bytes.Buffer
	err := create(py, someRequirements(t, "tool\n"), "linux", "amd64", []string{"t1"}, dir, newOptions([]Option{WithOutput(&out)}))
	if err != nil {
		t.Fatal(err)
	}
	files := tree(t, dir)
	if !strings.Contains(files["embed_linux_amd64.go"], "//go:build linux && amd64") {
		t.Errorf("the Go file is %q", files["embed_linux_amd64.go"])
	}
	if out.String() != "installed  t1\n" {
		t.Errorf("output %q", out.String())
	}
}

// What the caller got wrong is reported before anything is extracted or run.
func TestArguments(t *testing.T) {
	requirements := someRequirements(t, "tool\n")
	dir := t.TempDir()
	if err := CreateEmbeddedPipPackages2(nil, requirements, "", "", nil, dir); err == nil {
		t.Error("no interpreter: no error")
	}
	missing := filepath.Join(dir, "none.txt")
	for name, err := range map[string]error{
		"all":  CreateEmbeddedPipPackagesForKnownPlatforms(missing, dir),
		"one":  CreateEmbeddedPipPackages(missing, "linux", "amd64", nil, dir),
		"two":  CreateEmbeddedPipPackages2(&python.EmbeddedPython{}, missing, "linux", "amd64", nil, dir),
		"opts": CreateEmbeddedPipPackagesForKnownPlatforms(missing, dir, nil, WithContext(t.Context())),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s, no requirements: %v", name, err)
		}
	}
	if err := CreateEmbeddedPipPackagesForKnownPlatforms(requirements, dir, WithPlatforms("plan9/386")); err == nil || !strings.Contains(err.Error(), "plan9-386") {
		t.Errorf("an unknown platform: %v", err)
	}
	if err := CreateEmbeddedPipPackagesForKnownPlatforms(requirements, dir, WithPlatforms()); err == nil || !strings.Contains(err.Error(), "names no platform") {
		t.Errorf("no platform: %v", err)
	}
	if err := CreateEmbeddedPipPackages(requirements, "linux", "", nil, dir); err == nil {
		t.Error("no GOARCH: no error")
	}
}
