// Package data holds the payload that a release tag embeds for the platform
// the program is built for, and says which platforms that tag carries.
package data

import (
	"io/fs"

	"github.com/goempy/goempy/internal/overlay"
)

// What this build embeds: the name of its payload, the version of Python and the
// release of python-build-standalone. All are "" when the build has no payload.
const (
	Platform       = platform
	EmbeddedPython = python
	EmbeddedPBS    = pbs
)

// Files returns this build's payload: the folder of its platform, and behind
// it the blobs that all platforms share. It returns nil, and no error, when
// the build has none.
func Files() (fs.FS, error) {
	if platform == "" {
		return nil, nil
	}
	return overlay.New(files, platform, "common")
}
