//go:build !unix

package osfs

func refusesSymlinks(error) bool { return true }

func IsOtherVolume(error) bool { return false }

func IsNotDir(error) bool { return false }

func IsReadOnly(error) bool { return false }
