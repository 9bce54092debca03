package python

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/python/internal/data"
)

// fakeInterpreter prints how it was started: a line per argument and variable. It
// runs without PATH, and not every system has more than env in /usr/bin.
const fakeInterpreter = `#!/bin/sh
for a in "$@"; do printf 'arg %s\n' "$a"; done
/usr/bin/env | while IFS= read -r kv; do printf 'env %s\n' "$kv"; done
`

// fakePayload packs a tree whose bin/python3 is the given script.
func fakePayload(t testing.TB, script string) fs.FS {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the interpreter of this test is a shell script")
	}
	src, out := t.TempDir(), t.TempDir()
	bin := filepath.Join(src, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "python3.14"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("python3.14", filepath.Join(bin, "python3")); err != nil {
		t.Fatal(err)
	}
	if err := embed_util.CopyForEmbed(out, src); err != nil {
		t.Fatal(err)
	}
	return os.DirFS(out)
}

// newFake extracts a fake payload to a directory of the test.
func newFake(t testing.TB, script string, opts ...PythonOpt) (*EmbeddedPython, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "python")
	return newFromFiles(fakePayload(t, script), opts, func(fsys fs.FS, o []embed_util.Option) (*embed_util.EmbeddedFiles, error) {
		return embed_util.NewEmbeddedFilesWithTmpDir(fsys, dir, true, o...)
	})
}

func mustFake(t testing.TB, opts ...PythonOpt) *EmbeddedPython {
	t.Helper()
	ep, err := newFake(t, fakeInterpreter, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return ep
}

// run returns what a command of ep prints, by kind of line.
func run(t testing.TB, ep Python, args ...string) (gotArgs []string, env map[string]string) {
	t.Helper()
	cmd, err := ep.PythonCmd(args...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	env = make(map[string]string)
	for _, line := range strings.Split(string(out), "\n") {
		if a, ok := strings.CutPrefix(line, "arg "); ok {
			gotArgs = append(gotArgs, a)
		}
		if kv, ok := strings.CutPrefix(line, "env "); ok {
			k, v, _ := strings.Cut(kv, "=")
			env[k] = v
		}
	}
	return gotArgs, env
}

// needPayload skips a test that needs a real interpreter in the source tree,
// which has none.
func needPayload(t testing.TB) {
	t.Helper()
	if data.Platform == "" {
		t.Skip("no payload in this tree: this test runs in a rendered module tree, on a platform that it carries")
	}
}
