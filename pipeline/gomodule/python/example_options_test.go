package python_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/goempy/goempy/python"
)

// A program that runs Python only in some of its commands does not pay for the
// extraction in the others.
func ExampleWithLazyExtract() {
	ep, err := python.NewEmbeddedPython("myapp", python.WithLazyExtract())
	if err != nil {
		log.Fatal(err)
	}
	// Extracts the interpreter.
	cmd, err := ep.PythonCmd("-c", "print('extracted on demand')")
	if err != nil {
		log.Fatal(err)
	}
	cmd.Stdout = os.Stdout
	if err := cmd.Run(); err != nil {
		log.Fatal(err)
	}
	// Output: extracted on demand
}

// Every start reads and hashes all files of the interpreter.
func ExampleWithVerify() {
	ep, err := python.NewEmbeddedPython("myapp", python.WithVerify(python.VerifyFull))
	if err != nil {
		log.Fatal(err)
	}
	cmd, err := ep.PythonCmd("-c", "print('verified')")
	if err != nil {
		log.Fatal(err)
	}
	cmd.Stdout = os.Stdout
	if err := cmd.Run(); err != nil {
		log.Fatal(err)
	}
	// Output: verified
}

// The program waits at most a minute for the interpreter, also if another
// process is extracting it.
func ExampleWithContext() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := python.NewEmbeddedPython("myapp", python.WithContext(ctx))
	switch {
	case err == nil:
		fmt.Println("ready")
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Println("not ready in time")
	default:
		log.Fatal(err)
	}
	// Output: ready
}

// The user's PYTHON* variables reach the interpreter.
func ExampleWithInheritedPythonEnv() {
	os.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	defer os.Unsetenv("PYTHONDONTWRITEBYTECODE")

	ep, err := python.NewEmbeddedPython("myapp", python.WithInheritedPythonEnv())
	if err != nil {
		log.Fatal(err)
	}
	cmd, err := ep.PythonCmd("-c", "import sys; print(sys.dont_write_bytecode)")
	if err != nil {
		log.Fatal(err)
	}
	cmd.Stdout = os.Stdout
	if err := cmd.Run(); err != nil {
		log.Fatal(err)
	}
	// Output: True
}

// A build step extracts the interpreter into a container image and does not
// start it.
func ExampleWithoutSelfCheck() {
	image, err := os.MkdirTemp("", "image-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(image)

	ep, err := python.NewEmbeddedPythonWithTmpDir(filepath.Join(image, "python"), false, python.WithoutSelfCheck())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(filepath.Base(ep.GetExtractedPath()))
	// Output: python
}

// The home is a directory with an installed Python; here it is that of the
// embedded one.
func ExampleWithPythonHome() {
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		log.Fatal(err)
	}
	py := python.NewPython(python.WithPythonHome(ep.GetExtractedPath()))
	cmd, err := py.PythonCmd("-c", "import os, sys; print(os.path.samefile(sys.prefix, os.environ['PYTHONHOME']))")
	if err != nil {
		log.Fatal(err)
	}
	cmd.Stdout = os.Stdout
	if err := cmd.Run(); err != nil {
		log.Fatal(err)
	}
	// Output: True
}
