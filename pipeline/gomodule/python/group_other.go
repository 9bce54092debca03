//go:build !unix && !windows

package python

import "os/exec"

// killGroup leaves the default: the context kills the one process.
func killGroup(*exec.Cmd) {}
