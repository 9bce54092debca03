package payload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
)

// hashAll fills in sizes and hashes of the regular files below dir.
func hashAll(dir string, entries []Entry) error {
	return Parallel(context.Background(), len(entries), func(i int) error {
		e := &entries[i]
		if !e.IsRegular() {
			return nil
		}
		path := filepath.Join(dir, filepath.FromSlash(e.Name))
		st, err := os.Stat(path)
		if err != nil {
			return err
		}
		e.Size = st.Size()
		e.Sum, err = HashFile(path)
		return err
	})
}

// HashFile returns the sha256 of a file in hex.
func HashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
