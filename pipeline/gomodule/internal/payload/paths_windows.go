package payload

// checkNameOS says why this system cannot hold a file of that name.
func checkNameOS(name string) error { return checkNameWindows(name) }
