// The program of a developer who wants Python: what is in the module of MODULE
// is extracted, and the arguments are those of the interpreter.
package main

import (
	"fmt"
	"os"

	"MODULE/python"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	ep, err := python.NewEmbeddedPython("bench")
	if err != nil {
		return err
	}
	cmd, err := ep.PythonCmd(os.Args[1:]...)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
