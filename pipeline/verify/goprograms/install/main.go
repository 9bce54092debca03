// Command install installs what a requirements file lists, from a folder of
// wheels alone, for one platform, and writes the package that embeds it.
//
//	install requirements.txt wheels packages platform
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/goempy/goempy/pip"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 4 {
		return errors.New("usage: install requirements.txt wheels packages platform")
	}
	requirements, wheels, packages := args[0], args[1], args[2]
	return pip.CreateEmbeddedPipPackagesForKnownPlatforms(requirements, packages,
		pip.WithPlatforms(args[3]), pip.WithPipArgs("--no-index", "--find-links", wheels))
}
