// Package data holds pip, setuptools and wheel as a release embeds them.
package data

import (
	"fmt"
	"io/fs"
)

// Files returns the payload. It returns nil, and no error, when the build has
// none.
func Files() (fs.FS, error) {
	if folder == "" {
		return nil, nil
	}
	sub, err := fs.Sub(files, folder)
	if err != nil {
		return nil, fmt.Errorf("pip: %w", err)
	}
	return sub, nil
}
