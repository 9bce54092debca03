//go:build !windows

package embed_util

import "os"

func renameRetry(from, to string) error { return os.Rename(from, to) }

func renameOver(from, to, _ string) error { return os.Rename(from, to) }

// isInUse is false: only Windows keeps files that are in use.
func isInUse(error) bool { return false }

func inUseError(err error, _ string) error { return err }
