package python_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"strings"
	"testing/fstest"
	"time"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/python"
)

// A command is an *exec.Cmd: the program sends JSON to Python and reads JSON.
func ExamplePython_pythonCmd() {
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		log.Fatal(err)
	}
	cmd, err := ep.PythonCmd("-c", `
import json, statistics, sys
json.dump({"median": statistics.median(json.load(sys.stdin))}, sys.stdout)
`)
	if err != nil {
		log.Fatal(err)
	}
	cmd.Stdin = strings.NewReader("[3, 1, 2]")
	out, err := cmd.Output()
	if err != nil {
		log.Fatal(err)
	}
	var result struct{ Median float64 }
	if err := json.Unmarshal(out, &result); err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Median)
	// Output: 2
}

// Python modules that are embedded in the program become importable.
func ExamplePython_addPythonPath() {
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		log.Fatal(err)
	}
	// In a program: an embed.FS.
	source := fstest.MapFS{
		"greet.py": {Data: []byte("def greet(name):\n    return f'hello {name}'\n")},
	}
	modules, err := embed_util.NewEmbeddedFiles(source, "myapp-modules")
	if err != nil {
		log.Fatal(err)
	}
	ep.AddPythonPath(modules.GetExtractedPath())

	cmd, err := ep.PythonCmd("-c", "import greet; print(greet.greet('gopher'))")
	if err != nil {
		log.Fatal(err)
	}
	out, err := cmd.Output()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", out)
	// Output: hello gopher
}

// A command of a package that is embedded in the program.
func ExampleEmbeddedPython_EntryPoint() {
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		log.Fatal(err)
	}
	// In a program: packages that package pip has installed.
	source := fstest.MapFS{
		"tool-1.0.dist-info/entry_points.txt": {Data: []byte("[console_scripts]\ntool = tool:main\n")},
		"bin/tool":                            {Data: []byte("import sys\n\nprint(f'hello {sys.argv[1]}')\n")},
	}
	packages, err := embed_util.NewEmbeddedFiles(source, "myapp-packages")
	if err != nil {
		log.Fatal(err)
	}
	ep.AddPythonPath(packages.GetExtractedPath())

	cmd, err := ep.EntryPoint("tool", "gopher")
	if err != nil {
		log.Fatal(err)
	}
	out, err := cmd.Output()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", out)
	// Output: hello gopher
}

// A timeout ends Python and the process that it has started, which would
// otherwise keep Output waiting for an hour.
func ExampleEmbeddedPython_PythonCmdContext() {
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	cmd, err := ep.PythonCmdContext(ctx, "-c", `
import subprocess, sys
subprocess.run([sys.executable, "-c", "import time; time.sleep(3600)"])
`)
	if err != nil {
		log.Fatal(err)
	}
	out, err := cmd.Output()
	switch {
	case ctx.Err() != nil:
		fmt.Println(ctx.Err())
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Printf("%s", out)
	}
	// Output: context deadline exceeded
}
