//go:build !unix

package procgroup

func killWatchdog() {}
