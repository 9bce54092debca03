//go:build !linux || !musl

package python

// forMusl says that the build asked for a Python for musl.
const forMusl = false
