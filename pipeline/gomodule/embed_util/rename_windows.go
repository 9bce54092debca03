package embed_util

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// renameRetry renames, and tries again while a virus scanner or an indexer
// holds the file for a moment.
func renameRetry(from, to string) error {
	const patience = 2 * time.Second
	for start, wait := time.Now(), time.Millisecond; ; wait *= 2 {
		err := os.Rename(from, to)
		held := errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION)
		if !held || time.Since(start) > patience {
			return err
		}
		time.Sleep(wait)
	}
}
