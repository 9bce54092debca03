package payload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/goempy/goempy/internal/osfs"
)

// hashAll fills in hashes of the regular files below dir, and their sizes where they have
// changed. What it holds in memory for that goes to kept, which may be nil.
func hashAll(dir string, entries []Entry, kept *keptContents) error {
	return Parallel(context.Background(), len(entries), func(i int) error {
		e := &entries[i]
		if !e.IsRegular() {
			return nil
		}
		return hashEntry(filepath.Join(dir, filepath.FromSlash(e.Name)), e, kept)
	})
}

func hashEntry(path string, e *Entry, kept *keptContents) (err error) {
	if e.Size > smallBytes {
		e.Sum, e.Size, err = hashLarge(path)
		return err
	}
	data, err := osfs.ReadFile(path)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	e.Sum, e.Size = hex.EncodeToString(sum[:]), int64(len(data))
	kept.keep(e.Sum, data)
	return nil
}

// HashFile returns the sha256 of a file in hex.
func HashFile(path string) (string, error) {
	sum, _, err := hashLarge(path)
	return sum, err
}

// hashLarge returns sha256 and size of a file that is not held in memory.
func hashLarge(path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), n, err
}
