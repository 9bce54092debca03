// Extracts again and again under the CPU profiler: "profile FOLDER TIMES OUT".
// It prints the seconds of each extraction, self check and command, in turn.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"time"

	"MODULE/python"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder, times, out string) error {
	n, err := strconv.Atoi(times)
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	for i := range n {
		if err := once(filepath.Join(folder, strconv.Itoa(i))); err != nil {
			return err
		}
	}
	return nil
}

func once(dir string) error {
	begin := time.Now()
	ep, err := python.NewEmbeddedPythonWithTmpDir(dir, false, python.WithoutSelfCheck())
	if err != nil {
		return err
	}
	extracted := time.Now()
	if err := ep.SelfCheck(context.Background()); err != nil {
		return err
	}
	checked := time.Now()
	cmd, err := ep.PythonCmd("-c", `print("hello")`)
	if err != nil {
		return err
	}
	if err := cmd.Run(); err != nil {
		return err
	}
	fmt.Println(extracted.Sub(begin).Seconds(), checked.Sub(extracted).Seconds(), time.Since(checked).Seconds())
	return nil
}
