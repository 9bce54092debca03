package pip

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/python"
)

// fakePython answers like pip: it "installs" a package whose files name the
// platform tags, and fails as FAKE_PIP says: "<first tag> <kind of failure>".
const fakePython = `#!/bin/sh
tags=
case "$*" in
*bytecode.worker*) echo '{}'; exit 0 ;; # this package has no bytecode
esac
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
	sleep 3600 ;;
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
[ -n "$target" ] || exit 8
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
