package pip

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/internal/platforms"
	"github.com/goempy/goempy/pip/internal/data"
	"github.com/goempy/goempy/python"
)

func TestNoPip(t *testing.T) {
	files, err := data.Files()
	if err != nil {
		t.Fatal(err)
	}
	if files != nil {
		t.Skip("this tree has a pip: this test runs in the source tree")
	}
	if _, err := NewPipLib("test"); !errors.Is(err, ErrNoPip) {
		t.Errorf("NewPipLib: %v", err)
	}
	requirements := someRequirements(t, "tool\n")
	if err := CreateEmbeddedPipPackagesForKnownPlatforms(requirements, t.TempDir()); !errors.Is(err, ErrNoPip) {
		t.Errorf("CreateEmbeddedPipPackagesForKnownPlatforms: %v", err)
	}
	if err := CreateEmbeddedPipPackages(requirements, "", "", nil, t.TempDir()); !errors.Is(err, ErrNoPip) {
		t.Errorf("CreateEmbeddedPipPackages: %v", err)
	}
}

// sameTree says how two directories differ.
func sameTree(t *testing.T, a, b string) {
	t.Helper()
	first, second := tree(t, a), tree(t, b)
	if !slices.Equal(names(first), names(second)) {
		t.Errorf("files %q and %q", names(first), names(second))
	}
	for name, text := range first {
		if second[name] != text {
			t.Errorf("%s differs", name)
		}
	}
}

func TestPayloadInstalls(t *testing.T) {
	needPip(t)
	dir := filepath.Join(t.TempDir(), "data")
	opts := append(fromFolder(wheelFolder(t)), WithoutBytecode())
	err := CreateEmbeddedPipPackagesForKnownPlatforms(someRequirements(t, "goempy_tool\n"), dir, opts...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range platforms.All {
		files := unpack(t, filepath.Join(dir, p.Name))
		system := "goempy_for_" + p.GOOS
		want := []string{"bin/goempy-plain", "bin/goempy-tool",
			system + "-1.dist-info/METADATA", system + "-1.dist-info/WHEEL", system + "/__init__.py",
			"goempy_tool-1.0.dist-info/METADATA", "goempy_tool-1.0.dist-info/WHEEL",
			"goempy_tool-1.0.dist-info/entry_points.txt", "goempy_tool-1.0.dist-info/licenses/LICENSE",
			"goempy_tool/__init__.py"}
		slices.Sort(want)
		if got := names(files); !slices.Equal(got, want) {
			t.Errorf("%s has %q", p.Name, got)
		}
		for _, script := range want[:2] {
			if !strings.HasPrefix(files[script], anyPython) || strings.Contains(files[script], os.TempDir()) {
				t.Errorf("%s: %s is %q", p.Name, script, files[script])
			}
		}
		if _, err := os.Stat(filepath.Join(dir, goFileName(p.Name, p.GOOS, p.GOARCH))); err != nil {
			t.Error(err)
		}
	}
}

// An interpreter at a long path, or one with spaces, makes other scripts; what is
// packed is the same.
func TestPayloadPlaceDoesNotMatter(t *testing.T) {
	needPip(t)
	wheels := wheelFolder(t)
	requirements := someRequirements(t, "goempy_tool\n")
	p := platforms.All[0]
	install := func(ep *python.EmbeddedPython) string {
		dir := t.TempDir()
		ep.AddPythonPath(kept.lib.GetExtractedPath())
		if err := CreateEmbeddedPipPackages2(ep, requirements, p.GOOS, p.GOARCH, p.WheelTags, dir, fromFolder(wheels)...); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	want := install(mustPython(t))
	for _, place := range places() {
		home := filepath.Join(t.TempDir(), filepath.FromSlash(place))
		if err := os.MkdirAll(home, 0o700); err != nil {
			t.Fatal(err)
		}
		ep, err := python.NewEmbeddedPythonWithTmpDir(filepath.Join(home, "python"), false)
		if err != nil {
			t.Fatal(err)
		}
		sameTree(t, want, install(ep))
		if err := ep.Cleanup(); err != nil {
			t.Error(err)
		}
	}
}

// places are folders for interpreters that a line "#!" cannot name. Windows has no
// such lines, and starts no Python from a long path unless it is set up to.
func places() []string {
	if runtime.GOOS == "windows" {
		return []string{"with space"}
	}
	return []string{"with space", strings.Repeat("long/", 30)}
}

// The first use on a machine: the Python and the pip that it extracts are gone
// afterwards.
func TestPayloadLeavesNothing(t *testing.T) {
	needPip(t)
	dir, temp := filepath.Join(t.TempDir(), "data"), t.TempDir()
	for _, name := range tempVars {
		t.Setenv(name, temp)
	}
	err := CreateEmbeddedPipPackages(someRequirements(t, "goempy_tool\n"), "", "", nil, dir, fromFolder(wheelFolder(t))...)
	if err != nil {
		t.Fatal(err)
	}
	if left := names(tree(t, temp)); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
}

func TestPayloadMetadata(t *testing.T) {
	needPip(t)
	dir := filepath.Join(t.TempDir(), "data")
	err := CreateEmbeddedPipPackages(someRequirements(t, "goempy_tool\n"), "", "", nil, dir, fromFolder(wheelFolder(t))...)
	if err != nil {
		t.Fatal(err)
	}
	packages, err := embed_util.NewEmbeddedFilesWithTmpDir(os.DirFS(dir), filepath.Join(t.TempDir(), "packages"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = packages.Cleanup() }()
	ep := mustPython(t)
	ep.AddPythonPath(packages.GetExtractedPath())
	cmd, err := ep.PythonCmd("-c", `
import importlib.metadata as m, json
e, = [e for e in m.entry_points(group="console_scripts") if e.name == "goempy-tool"]
e.load()()
print(json.dumps([m.version("goempy_tool"), e.value, m.distribution("goempy_tool").read_text("licenses/LICENSE")]))
`)
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ran, rest, _ := strings.Cut(strings.ReplaceAll(string(out), "\r\n", "\n"), "\n")
	var got []string
	if err := json.Unmarshal([]byte(rest), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if ran != "run goempy_tool" || !slices.Equal(got, []string{"1.0", "goempy_tool:main", "free\n"}) {
		t.Errorf("got %s", out)
	}

	script, err := ep.EntryPoint("goempy-tool")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := script.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "run goempy_tool" {
		t.Errorf("the entry point: %q, %v", out, err)
	}
}

func TestPayloadMissingWheel(t *testing.T) {
	needPip(t)
	first, second, requirement := platforms.All[0], platforms.All[0], "goempy_native==3"
	for _, p := range platforms.All {
		// linux-amd64 and linux-amd64-v3, for example, take the same wheels.
		if !slices.Contains(p.WheelTags, first.WheelTags[0]) {
			second, requirement = p, "goempy_native==2"
			break
		}
	}
	dir := filepath.Join(t.TempDir(), "data")
	opts := append(fromFolder(wheelFolder(t)), WithPlatforms(first.Name, strings.ReplaceAll(second.Name, "-", "/")), WithContext(t.Context()))
	if err := CreateEmbeddedPipPackagesForKnownPlatforms(someRequirements(t, "goempy_native>=1,<2\n"), dir, opts...); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	err := CreateEmbeddedPipPackagesForKnownPlatforms(someRequirements(t, requirement+"\n"), dir, opts...)
	var missing *WheelError
	if !errors.Is(err, ErrNoWheel) || !errors.As(err, &missing) {
		t.Fatalf("error %v", err)
	}
	if missing.Package != requirement || missing.Platform != second.Name || !slices.Equal(missing.Tags, second.WheelTags) {
		t.Errorf("error %+v", missing)
	}
	after := tree(t, dir)
	for name, text := range before {
		if strings.HasPrefix(name, second.Name+"/") && after[name] != text {
			t.Errorf("%s has changed", name)
		}
	}
	if second.Name == first.Name {
		return
	}
	if files := unpack(t, filepath.Join(dir, first.Name)); files["goempy_native-2.dist-info/METADATA"] == "" {
		t.Errorf("the first platform has %q", names(files))
	}
}
