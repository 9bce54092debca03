//go:build !unix && !windows

package python

func isWrongFormat(error) bool { return false }

func isBusy(error) bool { return false }
