package python_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/python"
)

// After an update, the program removes the interpreters of versions that nobody
// has started for a month.
func ExampleEmbeddedPython_Prune() {
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		log.Fatal(err)
	}
	removed, err := ep.Prune(30 * 24 * time.Hour)
	if err != nil {
		log.Print(err) // the program works nevertheless
	}
	fmt.Println(len(removed), "directories removed")
	// Output: 0 directories removed
}

// An uninstaller removes what the program has extracted.
func ExampleEmbeddedPython_Cleanup() {
	ep, err := python.NewEmbeddedPython("myapp-uninstall")
	if err != nil {
		log.Fatal(err)
	}
	dir := ep.GetExtractedPath()
	if err := ep.Cleanup(); err != nil {
		log.Fatal(err)
	}
	_, err = os.Stat(dir)
	fmt.Println("removed:", errors.Is(err, os.ErrNotExist))
	// Output: removed: true
}

// A long-running service checks its interpreter, and repairs it if needed.
func ExampleEmbeddedPython_Verify() {
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		log.Fatal(err)
	}
	switch err := ep.Verify(); {
	case err == nil:
		fmt.Println("intact")
	case errors.Is(err, embed_util.ErrDamaged):
		log.Print(err) // names the files
		if err := ep.Repair(); err != nil {
			log.Fatal(err)
		}
	default:
		log.Fatal(err)
	}
	// Output: intact
}

// Somebody has deleted the interpreter while the program runs.
func ExampleEmbeddedPython_Repair() {
	ep, err := python.NewEmbeddedPython("myapp-repair")
	if err != nil {
		log.Fatal(err)
	}
	defer ep.Cleanup()
	exe, err := ep.GetExePath()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Remove(exe); err != nil {
		log.Fatal(err)
	}

	if err := ep.Repair(); err != nil {
		log.Fatal(err)
	}
	_, err = os.Stat(exe)
	fmt.Println("it is back:", err == nil)
	// Output: it is back: true
}

// A health check reports why Python does not start on this system.
func ExampleEmbeddedPython_SelfCheck() {
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = ep.SelfCheck(ctx)
	var start *python.StartError
	switch {
	case err == nil:
		fmt.Println("Python starts")
	case errors.As(err, &start):
		fmt.Println("Python does not start:", start.Cause)
	default:
		log.Fatal(err)
	}
	// Output: Python starts
}
