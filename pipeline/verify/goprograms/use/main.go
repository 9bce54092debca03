// Command use runs the embedded Python with its own arguments, and with the
// packages that install has written.
package main

import (
	"fmt"
	"os"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/python"

	data "example.com/programs/packages"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ep, err := python.NewEmbeddedPython("use")
	if err != nil {
		return err
	}
	lib, err := embed_util.NewEmbeddedFiles(data.Data, "use-packages")
	if err != nil {
		return err
	}
	ep.AddPythonPath(lib.GetExtractedPath())
	cmd, err := ep.PythonCmd(args...)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
