// Command generate installs the packages that the example embeds.
package main

import (
	"fmt"
	"os"

	"github.com/goempy/goempy/pip"
)

func main() {
	if err := pip.CreateEmbeddedPipPackagesForKnownPlatforms("requirements.txt", "data"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
