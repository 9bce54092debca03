// Package testexamples lets a package leave out its examples where they cannot run.
package testexamples

import (
	"flag"
	"fmt"
	"testing"
)

// Skip, called by TestMain, leaves out all examples of the package. An example
// cannot do that by itself, and go test -v shows nothing of those that it leaves
// out, so the reason is printed.
func Skip(reason string) error {
	flag.Parse()
	pattern := "^Example"
	// What the command line leaves out stays left out.
	if skip := flag.Lookup("test.skip").Value.String(); skip != "" {
		pattern += "|" + skip
	}
	if testing.Verbose() {
		fmt.Println("examples are skipped:", reason)
	}
	return flag.Set("test.skip", pattern)
}
