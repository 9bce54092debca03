package pip

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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

// TestMain gives the tests a temporary directory, and removes all that is in it.
func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pip-test-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, name := range tempVars {
		_ = os.Setenv(name, dir)
	}
	code := m.Run()
	if kept != nil {
		_ = kept.py.Cleanup()
		_ = kept.lib.Cleanup()
	}
	return code
}

// tempVars are the variables that say where os.TempDir is.
var tempVars = []string{"TMPDIR", "TMP", "TEMP"}

// embedded is the Python and the pip that the functions of this package extract.
type embedded struct {
	py  *python.EmbeddedPython
	lib *embed_util.EmbeddedFiles
}

// kept is made by the first test that needs it. As long as this process has it, the
// functions find all of it extracted.
var kept *embedded

// needPip skips a test that needs the embedded Python and pip in a tree that
// has none.
func needPip(t *testing.T) {
	t.Helper()
	files, err := data.Files()
	if err != nil {
		t.Fatal(err)
	}
	if files == nil {
		t.Skip("no pip in this tree: this test runs in a rendered module tree, on a platform that it carries")
	}
	if kept != nil {
		return
	}
	py, err := python.NewEmbeddedPython(libName)
	if errors.Is(err, python.ErrNoPayload) {
		t.Skip("no Python in this tree for this platform: this test runs in a rendered module tree, on a platform that it carries")
	}
	if err != nil {
		t.Fatal(err)
	}
	lib, err := NewPipLib(libName)
	if err != nil {
		t.Fatal(err)
	}
	kept = &embedded{py, lib}
}

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

type wheel struct {
	name, version, tag string
	requires           []string
	files              map[string]string
}

// write makes a wheel file in dir.
func (w wheel) write(t *testing.T, dir string) {
	t.Helper()
	info := w.name + "-" + w.version + ".dist-info/"
	metadata := "Metadata-Version: 2.1\nName: " + w.name + "\nVersion: " + w.version + "\n"
	for _, r := range w.requires {
		metadata += "Requires-Dist: " + r + "\n"
	}
	files := map[string]string{
		w.name + "/__init__.py": "def main():\n    print('run " + w.name + "')\n",
		info + "METADATA":       metadata,
		info + "WHEEL":          "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: " + w.tag + "\n",
		info + "RECORD":         "",
	}
	for name, text := range w.files {
		files[strings.ReplaceAll(name, "INFO/", info)] = text
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names(files) {
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write([]byte(files[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := fmt.Sprintf("%s-%s-%s.whl", w.name, w.version, w.tag)
	if err := os.WriteFile(filepath.Join(dir, file), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// wheelFolder has the packages that the tests install: goempy_tool, with a
// dependency for each operating system, and goempy_native: version 1 is for all
// platforms, 2 for those that take a wheel of the release's first, 3 for none.
func wheelFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "the wheels")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	tool := wheel{name: "goempy_tool", version: "1.0", tag: "py3-none-any", files: map[string]string{
		"INFO/entry_points.txt":                     "[console_scripts]\ngoempy-tool = goempy_tool:main\n",
		"INFO/licenses/LICENSE":                     "free\n",
		"goempy_tool-1.0.data/scripts/goempy-plain": "#!python\nprint(1)\n",
	}}
	for _, system := range []string{"Linux", "Darwin", "Windows"} {
		name := "goempy_for_" + strings.ToLower(system)
		tool.requires = append(tool.requires, name+`; platform_system == "`+system+`"`)
		wheel{name: name, version: "1", tag: "py3-none-any"}.write(t, dir)
	}
	tool.write(t, dir)
	wheel{name: "goempy_native", version: "3", tag: "py3-none-nowhere"}.write(t, dir)
	wheel{name: "goempy_native", version: "2", tag: "py3-none-" + platforms.All[0].WheelTags[0]}.write(t, dir)
	wheel{name: "goempy_native", version: "1", tag: "py3-none-any"}.write(t, dir)
	return dir
}

func fromFolder(dir string) []Option {
	return []Option{WithPipArgs("--no-index", "--find-links", dir), WithOutput(nil)}
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
	err := CreateEmbeddedPipPackagesForKnownPlatforms(someRequirements(t, "goempy_tool\n"), dir, fromFolder(wheelFolder(t))...)
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

// mustPython is another value for the interpreter that is kept, with a path of its own.
func mustPython(t *testing.T) *python.EmbeddedPython {
	t.Helper()
	ep, err := python.NewEmbeddedPython(libName)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ep.Cleanup() })
	return ep
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
