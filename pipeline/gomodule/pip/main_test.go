package pip

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/internal/testexamples"
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
	leave, err := prepareExamples(dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer leave()
	code := m.Run()
	if kept != nil {
		_ = kept.py.Cleanup()
		_ = kept.lib.Cleanup()
	}
	return code
}

// prepareExamples changes to a directory like that of a program, with the
// requirements.txt that examples name and the wheel that it lists. In a tree without
// pip or Python, it has the examples skipped.
func prepareExamples(dir string) (leave func(), err error) {
	files, err := data.Files()
	if err != nil {
		return nil, err
	}
	_, err = python.NewEmbeddedPython(libName, python.WithLazyExtract())
	if files == nil || errors.Is(err, python.ErrNoPayload) {
		return func() {}, testexamples.Skip("no pip, or no Python for this platform, in this tree")
	}
	if err != nil {
		return nil, err
	}
	before, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	project := filepath.Join(dir, "project")
	wheels := filepath.Join(project, "wheels")
	greet := wheel{name: "greet", version: "1.0", tag: "py3-none-any", files: map[string]string{
		"greet/__init__.py": "def greet(name):\n    return f'hello {name}'\n",
	}}
	requirements := "--no-index\n--find-links wheels\ngreet==1.0\n"
	if err := errors.Join(os.MkdirAll(wheels, 0o755), greet.save(wheels), os.Chdir(project),
		os.WriteFile("requirements.txt", []byte(requirements), 0o644)); err != nil {
		return nil, err
	}
	// Windows removes no directory that is a process's own.
	return func() { _ = os.Chdir(before) }, nil
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
