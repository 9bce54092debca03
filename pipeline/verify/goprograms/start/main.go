// Command start extracts the embedded Python, prints where to, and runs it with
// its own arguments.
package main

import (
	"fmt"
	"os"

	"github.com/goempy/goempy/python"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ep, err := python.NewEmbeddedPython("start")
	if err != nil {
		return err
	}
	fmt.Println(ep.GetExtractedPath())
	cmd, err := ep.PythonCmd(args...)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
