// Command jinja2 renders a template with the Python package jinja2. Package
// data exists after `go generate`; until then this does not compile.
package main

import (
	"fmt"
	"os"

	"example/jinja2/data"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/python"
)

//go:generate go run ./generate

const script = `
import sys
import jinja2

template = jinja2.Template("Hello {{ name }}, from jinja2 {{ version }}!")
print(template.render(name=sys.argv[1], version=jinja2.__version__))
`

func main() {
	name := "world"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	if err := run(name); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(name string) error {
	ep, err := python.NewEmbeddedPython("jinja2-example")
	if err != nil {
		return err
	}
	packages, err := embed_util.NewEmbeddedFiles(data.Data, "jinja2-example-packages")
	if err != nil {
		return err
	}
	ep.AddPythonPath(packages.GetExtractedPath())

	cmd, err := ep.PythonCmd("-c", script, name)
	if err != nil {
		return err
	}
	cmd.Stdout = os.Stdout
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
