package python

import "github.com/goempy/goempy/python/internal/data"

// What is embedded in the program. All are "" in a build without a payload, for which
// the constructors return ErrNoPayload.
const (
	// Version is that of the interpreter, such as "3.14.9", with a "t" at its end for
	// a free-threaded build. A program that needs one line can compare it at its start:
	// "go get -u" may have chosen another.
	Version = data.EmbeddedPython

	// PBS is the release of python-build-standalone, such as "20261021".
	PBS = data.EmbeddedPBS

	// Platform is the name of the payload, such as "linux-amd64" or "linux-arm64-musl".
	Platform = data.Platform
)
