package pip

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/python"
)

// fakePython answers like pip: it "installs" a package whose files name the
// platform tags, and fails as FAKE_PIP says: "<first tag> <kind of failure>".
const fakePython = `#!/bin/sh
tags=
while [ $# -gt 0 ]; do
	case $1 in
	--target) target=$2; shift ;;
	--report) report=$2; shift ;;
	--platform) tags="$tags $2"; shift ;;
	esac
	shift
done
set -- $tags
case $FAKE_PIP in
"$1 missing")
	echo "ERROR: Could not find a version that satisfies the requirement tool==2 (from versions: 1)" >&2
	echo "ERROR: No matching distribution found for tool==2" >&2
	exit 1 ;;
"$1 broken")
	echo "ERROR: something else" >&2
	exit 3 ;;
"$1 none")
	echo "/x/bin/python3: No module named pip" >&2
	exit 1 ;;
"$1 slow")
	sleep 60 ;;
"$1 empty")
	echo "Successfully installed tool"
	exit 0 ;;
"$1 excluded")
	echo '{"install": []}' > "$report"
	exit 0 ;;
"$1 elsewhere")
	echo '{"install": [{}]}' > "$report"
	exit 0 ;;
"$1 other")
	echo '{"install": [{}], "environment": {"sys_platform": "beos"}}' > "$report" ;;
esac
[ -z "$PIP_ROOT$PIP_PYTHON$PIP_PREFIX$PIP_TARGET$_PIP_X" ] || exit 9
[ "$PIP_INDEX_URL" = kept ] || [ -z "$PIP_INDEX_URL" ] || exit 9
mkdir -p "$target/tool" "$target/bin" "$target/tool-1.dist-info" "$target/__pycache__"
echo "tags = '$tags'$FAKE_VERSION" > "$target/tool/__init__.py"
echo x > "$target/__pycache__/x.pyc"
echo x > "$target/tool-1.dist-info/RECORD"
echo Name: tool > "$target/tool-1.dist-info/METADATA"
printf '#!%s\nimport tool\n' "$0" > "$target/bin/tool"
echo "installed $tags"
`

// fakeInterpreter lets the installing functions run the script above.
type fakeInterpreter struct {
	python.Python
	contexts int // how many commands had a context
}

func (f *fakeInterpreter) PythonCmdContext(ctx context.Context, args ...string) (*exec.Cmd, error) {
	f.contexts++
	return f.Python.(python.CommandContexter).PythonCmdContext(ctx, args...)
}

func newFake(t *testing.T) *fakeInterpreter {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the interpreter of this test is a shell script")
	}
	home := filepath.Join(t.TempDir(), "python")
	writeFiles(t, home, map[string]string{"bin/python3": fakePython})
	if err := os.Chmod(filepath.Join(home, "bin", "python3"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &fakeInterpreter{Python: python.NewPython(python.WithPythonHome(home))}
}

// someRequirements returns the path of a requirements file.
func someRequirements(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"requirements.txt": text})
	return filepath.Join(dir, "requirements.txt")
}

// unpack returns the files that a program gets from packed ones.
func unpack(t *testing.T, dir string) map[string]string {
	t.Helper()
	e, err := embed_util.NewEmbeddedFilesWithTmpDir(os.DirFS(dir), filepath.Join(t.TempDir(), "out"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Cleanup() }()
	return tree(t, e.GetExtractedPath())
}

func installAll(t *testing.T, py interpreter, dir string, names []string, opts ...Option) error {
	t.Helper()
	targets, err := choose(synthetic, present(synthetic, dir), names)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		target.tags = []string{"tag_" + target.name, "tag2"}
	}
	w, err := newWork(someRequirements(t, "tool\n"), dir, newOptions(append([]Option{WithOutput(nil)}, opts...)))
	if err != nil {
		t.Fatal(err)
	}
	return w.all(py, targets)
}

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

// pip succeeds and has put its packages elsewhere, or nowhere.
func TestNothingInstalled(t *testing.T) {
	py := newFake(t)
	dir := t.TempDir()
	if err := installAll(t, py, dir, []string{"linux-arm64"}); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	for kind, want := range map[string]string{
		"empty":     "nothing was installed",
		"elsewhere": "nothing was installed",
		"other":     `markers for sys_platform "beos", not "linux"`,
	} {
		t.Setenv("FAKE_PIP", "tag_linux-arm64 "+kind)
		err := installAll(t, py, dir, []string{"linux-arm64"})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "linux-arm64") {
			t.Errorf("%s: %v", kind, err)
		}
		after := tree(t, dir)
		for name, text := range before {
			if after[name] != text {
				t.Errorf("%s: %s has changed", kind, name)
			}
		}
	}
	t.Setenv("FAKE_PIP", "tag_linux-arm64 excluded")
	if err := installAll(t, py, dir, []string{"linux-arm64"}); err != nil {
		t.Errorf("markers exclude everything: %v", err)
	}
	if files := unpack(t, filepath.Join(dir, "linux-arm64")); len(files) != 0 {
		t.Errorf("there is %q", names(files))
	}
}

func TestSettingsInVariables(t *testing.T) {
	py := newFake(t)
	for _, name := range []string{"PIP_ROOT", "PIP_PYTHON", "PIP_PREFIX", "PIP_TARGET", "_PIP_X"} {
		t.Setenv(name, "/elsewhere")
	}
	t.Setenv("PIP_INDEX_URL", "kept")
	if err := installAll(t, py, t.TempDir(), nil); err != nil {
		t.Error(err)
	}
	env := []string{"PATH=/bin", "PIPX=1", "PIP_INDEX_URL=a", "PIP_EXTRA_INDEX_URL=a", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=a",
		"PIP_TRUSTED_HOST=a", "PIP_PROXY=a", "PIP_CERT=a", "PIP_CLIENT_CERT=a", "PIP_DEFAULT_TIMEOUT=1", "PIP_CONFIG_FILE=a"}
	all := slices.Clone(env)
	for _, name := range []string{"ROOT", "PYTHON", "PREFIX", "TARGET", "PYTHON_VERSION", "ABI", "IMPLEMENTATION", "PLATFORM",
		"EDITABLE", "REQUIREMENT", "USER", "DRY_RUN", "NO_DEPS", "REPORT", "QUIET", "NO_BINARY", "SRC", "ISOLATED"} {
		all = append(all, "PIP_"+name+"=x")
	}
	if got := userEnv(all); !slices.Equal(got, env) {
		t.Errorf("left %q", got)
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

func TestContextEndsPip(t *testing.T) {
	py := newFake(t)
	dir := t.TempDir()
	t.Setenv("FAKE_PIP", "tag_linux-arm64 slow")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	err := installAll(t, py, dir, []string{"linux-arm64"}, WithContext(ctx))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	if py.contexts != 1 {
		t.Errorf("%d commands with a context", py.contexts)
	}
	if err := installAll(t, py, dir, nil, WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) || py.contexts != 1 {
		t.Errorf("after the end: %v", err)
	}
	if files := tree(t, dir); len(files) != 0 {
		t.Errorf("there is %q", names(files))
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

// What the caller got wrong is told before anything is extracted or run.
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
