//go:build unix && !linux

package python

func isZombie(int) bool { return false }
