//go:build !unix && !windows

package python

func isWrongFormat(error) bool { return false }
