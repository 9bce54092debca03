//go:build !unix

package osfs

func refusesSymlinks(error) bool { return true }

// IsOtherVolume says that a rename failed because its target is on another volume.
func IsOtherVolume(error) bool { return false }

// IsNotDir says that a folder on the way to a name is something else.
func IsNotDir(error) bool { return false }

// IsReadOnly says that a file system cannot be written to at all.
func IsReadOnly(error) bool { return false }
