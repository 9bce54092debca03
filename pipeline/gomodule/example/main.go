// Command example runs a line of Python with the embedded interpreter.
package main

import (
	"fmt"
	"os"

	"github.com/goempy/goempy/python"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	ep, err := python.NewEmbeddedPython("example")
	if err != nil {
		return err
	}
	cmd, err := ep.PythonCmd("-c", "import sys; print('hello from Python', sys.version)")
	if err != nil {
		return err
	}
	cmd.Stdout = os.Stdout
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
