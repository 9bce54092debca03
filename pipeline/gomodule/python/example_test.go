package python_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/goempy/goempy/python"
)

func ExampleNewEmbeddedPython() {
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		log.Fatal(err)
	}
	cmd, err := ep.PythonCmd("-c", "print('hello')")
	if err != nil {
		log.Fatal(err)
	}
	cmd.Stdout = os.Stdout
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		log.Fatal(err)
	}
	// Output: hello
}

// The interpreter goes to a directory that the program chooses, such as the
// state directory of a service.
func ExampleNewEmbeddedPythonWithTmpDir() {
	state, err := os.MkdirTemp("", "myapp-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(state)

	ep, err := python.NewEmbeddedPythonWithTmpDir(filepath.Join(state, "python"), true)
	if err != nil {
		log.Fatal(err)
	}
	defer ep.Cleanup()
	name := filepath.Base(ep.GetExtractedPath())
	fmt.Println("it has a hash in its name:", strings.HasPrefix(name, "python-"))
	// Output: it has a hash in its name: true
}

// The cache directory outlives reboots: a program that runs after each of them
// extracts once all the same.
func ExampleNewEmbeddedPythonInCacheDir() {
	ep, err := python.NewEmbeddedPythonInCacheDir("myapp")
	if err != nil {
		log.Fatal(err)
	}
	cmd, err := ep.PythonCmd("-c", "print('hello from the cache directory')")
	if err != nil {
		log.Fatal(err)
	}
	out, err := cmd.Output()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", out)
	// Output: hello from the cache directory
}

// On a platform that the release has no interpreter for, the program uses the
// one on PATH.
func ExampleNewEmbeddedPython_fallback() {
	var py python.Python
	ep, err := python.NewEmbeddedPython("myapp")
	switch {
	case err == nil:
		py = ep
	case errors.Is(err, python.ErrNoPayload):
		py = python.NewPython()
	default:
		log.Fatal(err)
	}
	cmd, err := py.PythonCmd("-c", "print('hello from either')")
	if err != nil {
		log.Fatal(err)
	}
	out, err := cmd.Output()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", out)
	// Output: hello from either
}

// Without WithPythonHome, it is the Python on PATH.
func ExampleNewPython() {
	py := python.NewPython()
	exe, err := py.GetExePath()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(exe)
}
