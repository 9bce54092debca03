package pip_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"time"

	"github.com/goempy/goempy/pip"
)

// The program is built for two platforms of the release only.
func ExampleWithPlatforms() {
	err := pip.CreateEmbeddedPipPackagesForKnownPlatforms("requirements.txt", "data",
		pip.WithPlatforms("linux/amd64", "windows/amd64"))
	if err != nil {
		log.Fatal(err)
	}
}

// The packages for Linux are to run with the oldest glibc that the interpreter runs with.
func ExampleWithWheelTags() {
	err := pip.CreateEmbeddedPipPackagesForKnownPlatforms("requirements.txt", "data",
		pip.WithWheelTags("linux-amd64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"))
	if err != nil {
		log.Fatal(err)
	}
}

// The program's own project, with all that its lock selects for each platform.
func ExampleWithPackages() {
	err := pip.CreateEmbeddedPipPackagesForKnownPlatforms("pylock.toml", "data", pip.WithPackages("."))
	if err != nil {
		log.Fatal(err)
	}
}

// Packages come from a folder of wheels and not from an index.
func ExampleWithPipArgs() {
	err := pip.CreateEmbeddedPipPackages("requirements.txt", "", "", nil, "offline",
		pip.WithPipArgs("--no-index", "--find-links", "wheels"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("installed")
	// Output: installed
}

// What pip writes is shown only if it fails.
func ExampleWithOutput() {
	var output bytes.Buffer
	err := pip.CreateEmbeddedPipPackages("requirements.txt", "", "", nil, "quiet", pip.WithOutput(&output))
	if err != nil {
		log.Fatalf("%v\n%s", err, output.String())
	}
	fmt.Println("installed")
	// Output: installed
}

// An index that does not answer holds up go generate for ten minutes at most.
func ExampleWithContext() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	err := pip.CreateEmbeddedPipPackages("requirements.txt", "", "", nil, "bounded", pip.WithContext(ctx))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("installed")
	// Output: installed
}
