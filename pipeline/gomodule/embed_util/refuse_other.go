//go:build !unix

package embed_util

func refusesSymlinks(error) bool { return true }

func otherVolume(error) bool { return false }

func isNotDir(error) bool { return false }

func isReadOnly(error) bool { return false }
