//go:build !windows

package payload

// checkNameOS says why this system cannot hold a file of that name.
func checkNameOS(string) error { return nil }
