//go:build !race

package testtree

// Race says that the race detector is on, with which the decoder takes ten times as long.
const Race = false
