//go:build !windows

package embed_util

import "os"

func renameRetry(from, to string) error { return os.Rename(from, to) }
