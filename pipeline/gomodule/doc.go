// Package goempy is a CPython interpreter as a Go module: the binary that
// imports it carries Python, and needs none where it runs.
//
// The packages to use are python, which runs the interpreter, python/worker, which
// calls Python functions in processes that stay, pip, which installs Python packages
// for embedding, and embed_util, which embeds any tree of files in the same way. This
// one has no names of its own. It exists so that
//
//	go get github.com/goempy/goempy@latest
//
// also gets what those packages import.
package goempy

import _ "github.com/goempy/goempy/python" // for go get, see above
