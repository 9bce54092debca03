package osfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// RemoveAll removes a tree, folders without permissions included.
func RemoveAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// Mkdir makes a directory with exactly these permissions, whatever the umask.
func Mkdir(dir string, perm fs.FileMode) error {
	if err := os.Mkdir(dir, perm); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	return os.Chmod(dir, perm)
}

// MkdirAll is Mkdir for a directory and those above it that are missing.
func MkdirAll(dir string, perm fs.FileMode) error {
	if st, err := os.Stat(dir); err == nil && st.IsDir() {
		return nil
	}
	err := Mkdir(dir, perm)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		if err = MkdirAll(filepath.Dir(dir), perm); err == nil {
			err = Mkdir(dir, perm)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		if st, bad := os.Stat(dir); bad == nil && st.IsDir() {
			return nil
		}
	}
	return err
}

// WritePrivate writes a file of this user alone, whatever the umask.
func WritePrivate(path string, data []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" {
		err = f.Chmod(0o600)
	}
	if err == nil {
		_, err = f.Write(data)
	}
	return errors.Join(err, f.Close())
}

const sep = string(os.PathSeparator)
