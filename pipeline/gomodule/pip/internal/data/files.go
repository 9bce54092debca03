// Package data holds what a release embeds for package pip: pip, setuptools and wheel, and
// the program that compiles modules.
package data

import (
	"fmt"
	"io/fs"
)

// Files returns the payload. It returns nil, and no error, when the build has
// none.
func Files() (fs.FS, error) { return sub(folder) }

// Compiler returns the sources of the Python module pipeline.build.bytecode.worker, which
// says how it is used, and of what it imports: a file <module>.py for each. It returns nil,
// and no error, when the build has none.
func Compiler() (fs.FS, error) { return sub(compiler) }

func sub(folder string) (fs.FS, error) {
	if folder == "" {
		return nil, nil
	}
	sub, err := fs.Sub(files, folder)
	if err != nil {
		return nil, fmt.Errorf("pip: %w", err)
	}
	return sub, nil
}
