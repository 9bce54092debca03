package osfs

import (
	"bytes"
	"os"
	"path/filepath"
)

// WriteFile replaces a file in one step, unless it has that content already.
func WriteFile(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	return WriteNamed(filepath.Dir(path), func(f *os.File) (string, error) {
		_, err := f.Write(data)
		return filepath.Base(path), err
	})
}

// WriteNamed is WriteFile for a file whose name follows from what write
// has written.
func WriteNamed(dir string, write func(f *os.File) (name string, err error)) error {
	f, err := os.CreateTemp(dir, ".goempy-*")
	if err != nil {
		return err
	}
	name, err := write(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
