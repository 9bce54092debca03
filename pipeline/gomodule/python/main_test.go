package python

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/testexamples"
	"github.com/goempy/goempy/python/internal/data"
)

// shared is the embedded interpreter for the tests that only run it. The first of them
// extracts it below sharedDir.
var (
	shared    *EmbeddedPython
	sharedDir string
)

func sharedPython(t testing.TB) *EmbeddedPython {
	t.Helper()
	needPayload(t)
	if shared != nil {
		return shared
	}
	ep, err := NewEmbeddedPythonWithTmpDir(filepath.Join(sharedDir, "python"), true)
	if err != nil {
		t.Fatal(err)
	}
	shared = ep
	return ep
}

// realPython extracts the embedded interpreter below a directory of the test.
func realPython(t testing.TB, opts ...PythonOpt) *EmbeddedPython {
	t.Helper()
	needPayload(t)
	ep, err := NewEmbeddedPythonWithTmpDir(filepath.Join(t.TempDir(), "python"), true, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ep.Cleanup() })
	return ep
}

func output(t testing.TB, ep Python, code string) string {
	t.Helper()
	cmd, err := ep.PythonCmd("-c", code)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// helperEnv makes the test binary a program that runs one line of Python. Its
// value is the directory to extract to.
const helperEnv = "GOEMPY_TEST_PYTHON"

// codeEnv is the line, if it is not to print "ran". It ends with that program.
const codeEnv = "GOEMPY_TEST_CODE"

func TestMain(m *testing.M) {
	dir := os.Getenv(helperEnv)
	if dir == "" {
		os.Exit(runTests(m))
	}
	code, opts := "print('ran')", []PythonOpt(nil)
	if given := os.Getenv(codeEnv); given != "" {
		code, opts = given, []PythonOpt{WithKillOnParentExit()}
	}
	ep, err := NewEmbeddedPythonWithTmpDir(dir, true, opts...)
	if err == nil {
		var cmd *exec.Cmd
		if cmd, err = ep.PythonCmd("-c", code); err == nil {
			cmd.Stdout = os.Stdout
			err = cmd.Run()
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	os.Exit(0)
}

// runTests runs the tests with a directory for what they share.
func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "goempy-test-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	sharedDir = dir
	// Examples extract under the names that a program would use.
	for _, name := range []string{"TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		_ = os.Setenv(name, dir)
	}
	if data.Platform == "" {
		if err := testexamples.Skip("no payload in this tree"); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	code := m.Run()
	if shared != nil {
		_ = shared.Cleanup()
	}
	return code
}

// program is a process that starts once in dir.
func program(t testing.TB, dir string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	// A program with the race detector sleeps a second before it exits.
	cmd.Env = append(os.Environ(), helperEnv+"="+dir, "GORACE=atexit_sleep_ms=0")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

func timed(t testing.TB, dir string) time.Duration {
	t.Helper()
	begin := time.Now()
	if cmd, out := program(t, dir); cmd.Run() != nil {
		t.Fatal(out)
	}
	return time.Since(begin)
}
