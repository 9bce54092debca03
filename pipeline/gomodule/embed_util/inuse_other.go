//go:build !windows

package embed_util

import "os"

func renameRetry(from, to string) error { return os.Rename(from, to) }

func renameOver(from, to, _ string) error { return os.Rename(from, to) }

func removeOver(root *os.Root, name, _ string) error { return root.Remove(name) }

// isInUse is false: only Windows refuses to replace or remove files in use.
func isInUse(error) bool { return false }

func checkNotRunning(string) error { return nil }

func inUseError(err error, _ string) error { return err }
