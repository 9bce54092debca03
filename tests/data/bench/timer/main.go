// Prints the seconds that it takes to get at an interpreter that is extracted
// already, and to make a command of it.
package main

import (
	"fmt"
	"os"
	"time"

	"MODULE/python"
)

func main() {
	begin := time.Now()
	ep, err := python.NewEmbeddedPython("bench")
	if err == nil {
		_, err = ep.PythonCmd("-c", "pass")
	}
	took := time.Since(begin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(took.Seconds())
}
