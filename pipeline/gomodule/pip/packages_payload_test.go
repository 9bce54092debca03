package pip

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/platforms"
)

// tagsOf are the tags of the wheels for the platforms of these tests.
var tagsOf = map[string][]string{
	"linux":   {"manylinux_2_28_x86_64", "manylinux_2_17_x86_64"},
	"windows": {"win_amd64"},
	"darwin":  {"macosx_11_0_x86_64"},
}

// installFor installs for amd64 of operating systems, and returns the packed files of those
// that succeed, and with them the bill of materials, "bill".
func installFor(t *testing.T, systems []string, requirements string, opts ...Option) (map[string]map[string]string, error) {
	t.Helper()
	needPip(t)
	var targets []*target
	for _, goOs := range systems {
		each, err := newTarget(platforms.All, nil, goOs, "amd64", tagsOf[goOs])
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, each)
	}
	dir := t.TempDir()
	w, err := newWork(requirements, dir, newOptions(append(opts, WithOutput(nil), WithoutBytecode(), WithPipArgs("--no-index"))))
	if err != nil {
		t.Fatal(err)
	}
	ep := mustPython(t)
	ep.AddPythonPath(kept.lib.GetExtractedPath())
	err = w.all(ep, targets)
	packed := make(map[string]map[string]string)
	for _, each := range targets {
		if _, missing := os.Stat(filepath.Join(dir, each.folder)); missing == nil {
			files := unpack(t, filepath.Join(dir, each.folder))
			files["bill"] = tree(t, dir)[each.folder+sbomSuffix]
			packed[strings.TrimSuffix(each.name, "-amd64")] = files
		}
	}
	return packed, err
}

// checkMissing checks that err is about these packages, which have no wheel for macOS.
func checkMissing(t *testing.T, err error, packages string) {
	t.Helper()
	var missing *WheelError
	if !errors.Is(err, ErrNoWheel) || !errors.As(err, &missing) || missing.Package != packages || missing.Platform != "darwin-amd64" {
		t.Errorf("no wheel of %s: %v", packages, err)
	}
}

// nativeWheels makes wheels of package native for older and newer Linux and for Windows,
// each of which says for which it is.
func nativeWheels(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	for _, tag := range []string{"manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "win_amd64"} {
		w := wheel{name: "native", version: "1", tag: "py3-none-" + tag, files: map[string]string{"native/tag.txt": tag}}
		w.write(t, dir)
		paths = append(paths, filepath.Join(dir, "native-1-py3-none-"+tag+".whl"))
	}
	return paths
}

// lockEntry is a package of a pylock.toml with wheels in a folder beside it.
func lockEntry(t *testing.T, name, more string, wheels ...string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "\n[[packages]]\nname = %q\nversion = \"1\"\n%swheels = [\n", name, more)
	for _, path := range wheels {
		fmt.Fprintf(&b, "  { path = %q, hashes = { sha256 = %q } },\n", "the wheels/"+filepath.Base(path), hashOf(t, path))
	}
	b.WriteString("]\n")
	return b.String()
}

func hashOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

func TestPayloadLock(t *testing.T) {
	needPip(t)
	dir := t.TempDir()
	wheels, lock := filepath.Join(dir, "the wheels"), filepath.Join(dir, "pylock.app.toml")
	if err := os.Mkdir(wheels, 0o755); err != nil {
		t.Fatal(err)
	}
	tool := wheel{name: "tool", version: "1", tag: "py3-none-any", requires: []string{"native", "winonly; sys_platform == 'win32'"}}
	tool.write(t, wheels)
	wheel{name: "winonly", version: "1", tag: "py3-none-any"}.write(t, wheels)
	file := func(name string) string { return filepath.Join(wheels, name+"-1-py3-none-any.whl") }
	native := nativeWheels(t, wheels)
	// As uv locks a wheel that the project names by its path.
	text := "lock-version = \"1.0\"\ncreated-by = \"test\"\n" + fmt.Sprintf(
		"[[packages]]\nname = \"tool\"\narchive = { path = \"the wheels/tool-1-py3-none-any.whl\", hashes = { sha256 = %q } }\n", hashOf(t, file("tool"))) +
		lockEntry(t, "winonly", "marker = \"sys_platform == 'win32'\"\n", file("winonly"))
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(lock, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	for _, tag := range []string{"win_amd64", "manylinux_2_17_x86_64"} {
		wheel{name: "other", version: "1", tag: "py3-none-" + tag}.write(t, wheels)
	}
	others, err := filepath.Glob(filepath.Join(wheels, "other-*.whl"))
	if err != nil {
		t.Fatal(err)
	}
	write(text + lockEntry(t, "native", "", native...) + lockEntry(t, "other", "", others...))
	packed, err := installFor(t, []string{"linux", "windows", "darwin"}, lock)
	checkMissing(t, err, "native 1, other 1")
	for goOs, tag := range map[string]string{"linux": "manylinux_2_28_x86_64", "windows": "win_amd64"} {
		files := packed[goOs]
		_, hasWinonly := files["winonly/__init__.py"]
		if files["tool/__init__.py"] == "" || files["native/tag.txt"] != tag || hasWinonly != (goOs == "windows") {
			t.Errorf("%s has %q", goOs, names(files))
		}
	}

	for name, c := range map[string]struct{ text, want string }{
		"not in the lock": {text, "no wheel of native"},
		"another hash":    {strings.Replace(text, `sha256 = "`, `sha256 = "00`, 1) + lockEntry(t, "native", "", native...), "DO NOT MATCH THE HASHES"},
		"no hash":         {text + "\n[[packages]]\nname = \"x\"\nwheels = [{ path = \"x-1-py3-none-any.whl\" }]\n", "hashes"},
		"not TOML":        {"[", lock},
		"another Python":  {"requires-python = \">=3.99\"\n" + text, "3.99"},
	} {
		write(c.text)
		if _, err := installFor(t, []string{"linux"}, lock); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// someProject makes a project that setuptools builds.
func someProject(t *testing.T, more string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "the project")
	writeFiles(t, dir, map[string]string{
		"pyproject.toml": "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\n" +
			"[project]\nname = \"My.App\"\nversion = \"1\"\nlicense = \"MIT\"\ndependencies = [\"native\"]\n" + more,
		"my_app/__init__.py": "def main():\n    print('my app')\n",
	})
	return dir
}

func TestPayloadProject(t *testing.T) {
	needPip(t)
	wheels := t.TempDir()
	native := nativeWheels(t, wheels)
	project := someProject(t, "\n[project.scripts]\nmy-app = \"my_app:main\"\n")
	// With the setuptools of the embedded pip, since there is no index.
	opts := []Option{WithPackages(append(native, project)...), WithPipArgs("--no-build-isolation")}
	// The lock of a project has the project itself.
	lock := filepath.Join(t.TempDir(), "pylock.toml")
	text := "lock-version = \"1.0\"\ncreated-by = \"test\"\npackages = [{ name = \"my-app\", directory = { path = \".\", editable = true } }]\n"
	if err := os.WriteFile(lock, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	packed, err := installFor(t, []string{"linux", "windows", "darwin"}, lock, opts...)
	checkMissing(t, err, "native 1")
	for goOs, chosen := range map[string]string{"linux": native[1], "windows": native[2]} {
		files := packed[goOs]
		if !strings.Contains(files["bin/my-app"], "my_app") || files["my_app/__init__.py"] == "" || !strings.Contains(chosen, files["native/tag.txt"]) {
			t.Errorf("%s has %q", goOs, names(files))
		}
		// What was built here has another hash each time.
		bill := files["bill"]
		for _, part := range []string{`"pkg:pypi/my.app@1"`, `"expression": "MIT"`, `"pkg:pypi/native@1"`, `"content": "` + hashOf(t, chosen) + `"`} {
			if !strings.Contains(bill, part) || strings.Count(bill, `"content"`) != 1 {
				t.Errorf("%s: %s is not alone in %s", goOs, part, bill)
			}
		}
	}
	_, err = installFor(t, []string{"darwin"}, lock)
	checkMissing(t, err, "my-app")
}

// A requirement of a package that is given, which is on no index, is how its extras are chosen.
func TestPayloadExtraOfPackage(t *testing.T) {
	needPip(t)
	wheels := t.TempDir()
	native := nativeWheels(t, wheels)
	app := wheel{name: "app", version: "1", tag: "py3-none-any", requires: []string{"native; extra == 'fast'"}}
	app.write(t, wheels)
	given := WithPackages(append(native, filepath.Join(wheels, "app-1-py3-none-any.whl"))...)
	packed, err := installFor(t, []string{"linux"}, someRequirements(t, "app[fast]>=1\n"), given)
	if err != nil || packed["linux"]["app/__init__.py"] == "" || packed["linux"]["native/tag.txt"] == "" {
		t.Errorf("%q, %v", names(packed["linux"]), err)
	}
}

// A caller who has pip's report gets no bill of materials, and keeps no older one.
func TestPayloadOtherReport(t *testing.T) {
	needPip(t)
	wheels, dir := t.TempDir(), t.TempDir()
	native := nativeWheels(t, wheels)
	writeFiles(t, dir, map[string]string{"linux-amd64.cdx.json": "older"})
	err := CreateEmbeddedPipPackages("", "linux", "amd64", tagsOf["linux"], dir, WithPackages(native...), WithOutput(nil), WithoutBytecode(),
		WithPipArgs("--no-index", "--report", filepath.Join(wheels, "report.json")))
	if err != nil {
		t.Fatal(err)
	}
	if files := tree(t, dir); files["linux-amd64.cdx.json"] != "" || files["embed_linux_amd64.go"] == "" {
		t.Errorf("there is %q", names(files))
	}
}

func TestPayloadPackageFaults(t *testing.T) {
	needPip(t)
	wheels := t.TempDir()
	native := nativeWheels(t, wheels)
	wheel{name: "native", version: "2", tag: "py3-none-any"}.write(t, wheels)
	_, err := installFor(t, []string{"linux"}, "", WithPackages(append(native, filepath.Join(wheels, "native-2-py3-none-any.whl"))...))
	if err == nil || !strings.Contains(err.Error(), "native 1 and 2") {
		t.Errorf("two versions: %v", err)
	}
	broken := someProject(t, "[project.urls\n")
	_, err = installFor(t, []string{"linux"}, "", WithPackages(broken), WithPipArgs("--no-build-isolation"))
	if err == nil || !strings.Contains(err.Error(), broken) {
		t.Errorf("a project that cannot be built: %v", err)
	}
}

func TestInputs(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"app/pyproject.toml": "", "a-1-py3-none-any.whl": "", "pylock.toml": "", "pylock.app.toml": "", "empty/x": ""})
	at := func(name string) string { return filepath.Join(dir, name) }
	in, err := newInputs(at("pylock.toml"), []string{at("app"), at("a-1-py3-none-any.whl")})
	if err != nil || in.lock != at("pylock.toml") || !in.found.hashes || !slices.Equal(in.projects, []string{at("app")}) || len(in.wheels) != 1 {
		t.Errorf("%+v, %v", in, err)
	}
	_, err = newInputs("", []string{at("pylock.toml"), at("empty"), at("missing"), at("app")})
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("error %v", err)
	}
	for _, name := range []string{"pylock.toml", "empty", "missing"} {
		if !strings.Contains(err.Error(), at(name)) {
			t.Errorf("%s is not in %v", name, err)
		}
	}
	if _, err := newInputs("", nil); err == nil {
		t.Error("nothing is named: no error")
	}
}
