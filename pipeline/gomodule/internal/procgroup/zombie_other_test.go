//go:build unix && !linux

package procgroup

func isZombie(int) bool { return false }
