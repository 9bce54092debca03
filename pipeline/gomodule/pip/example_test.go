package pip_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/pip"
	"github.com/goempy/goempy/python"
)

// The program that go generate runs: data becomes a package, and the program that
// imports it gets its platform's packages as data.Data.
func ExampleCreateEmbeddedPipPackagesForKnownPlatforms() {
	if err := pip.CreateEmbeddedPipPackagesForKnownPlatforms("requirements.txt", "data"); err != nil {
		log.Fatal(err)
	}
	sources, err := filepath.Glob("data/embed_*.go")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a Go file for each platform:", len(sources) > 0)
	// Output: a Go file for each platform: true
}

// The packages for this machine only, and the program that uses them.
// requirements.txt lists greet==1.0.
func ExampleCreateEmbeddedPipPackages() {
	// When the program is built:
	if err := pip.CreateEmbeddedPipPackages("requirements.txt", "", "", nil, "packages"); err != nil {
		log.Fatal(err)
	}

	// In the program, with packages.Data for os.DirFS("packages"):
	packages, err := embed_util.NewEmbeddedFiles(os.DirFS("packages"), "myapp-packages")
	if err != nil {
		log.Fatal(err)
	}
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		log.Fatal(err)
	}
	ep.AddPythonPath(packages.GetExtractedPath())
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

// An interpreter that the program already has installs the packages.
func ExampleCreateEmbeddedPipPackages2() {
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		log.Fatal(err)
	}
	lib, err := pip.NewPipLib("myapp")
	if err != nil {
		log.Fatal(err)
	}
	ep.AddPythonPath(lib.GetExtractedPath())
	err = pip.CreateEmbeddedPipPackages2(ep, "requirements.txt", "linux", "arm64", []string{"manylinux_2_28_aarch64"}, "data")
	if err != nil {
		log.Fatal(err)
	}
	_, err = os.Stat("data/linux-arm64/files.json")
	fmt.Println("packed:", err == nil)
	// Output: packed: true
}

// pip itself, where the program runs.
func ExampleNewPipLib() {
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		log.Fatal(err)
	}
	lib, err := pip.NewPipLib("myapp")
	if err != nil {
		log.Fatal(err)
	}
	ep.AddPythonPath(lib.GetExtractedPath())
	cmd, err := ep.PythonCmd("-m", "pip", "--version")
	if err != nil {
		log.Fatal(err)
	}
	out, err := cmd.Output()
	if err != nil {
		log.Fatal(err)
	}
	name, _, _ := strings.Cut(string(out), " ")
	fmt.Println(name)
	// Output: pip
}

// Nothing is built from source for another platform: each package needs a wheel.
func ExampleWheelError() {
	if err := os.WriteFile("next.txt", []byte("--no-index\n--find-links wheels\ngreet==2.0\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	err := pip.CreateEmbeddedPipPackages("next.txt", "windows", "amd64", []string{"win_amd64"}, "data", pip.WithOutput(nil))
	var missing *pip.WheelError
	if errors.As(err, &missing) {
		fmt.Println("no wheel of", missing.Package, "for", missing.Platform)
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output: no wheel of greet==2.0 for windows-amd64
}
