//go:build linux && musl

package python

const forMusl = true
