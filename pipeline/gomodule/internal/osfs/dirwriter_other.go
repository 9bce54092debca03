//go:build !unix || aix

package osfs

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// DirWriter is a folder that files are written into, and never outside of it. It
// may be used concurrently.
type DirWriter struct{ root *os.Root }

// OpenDirWriter opens an existing folder.
func OpenDirWriter(dir string) (*DirWriter, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &DirWriter{root}, nil
}

// Close must not be called before every file is closed.
func (w *DirWriter) Close() { _ = w.root.Close() }

// Mkdir makes a folder with exactly these permissions.
func (w *DirWriter) Mkdir(name string, perm fs.FileMode) error {
	if err := w.root.Mkdir(filepath.FromSlash(name), 0o700); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	return os.Chmod(w.root.Name()+sep+filepath.FromSlash(name), perm)
}

// Create makes a new file, which only this user can read until it is finished.
func (w *DirWriter) Create(name string) (*FileWriter, error) {
	f, err := w.root.OpenFile(filepath.FromSlash(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &FileWriter{f}, nil
}

// Open opens a file.
func (w *DirWriter) Open(name string) (io.ReadCloser, error) {
	return w.root.Open(filepath.FromSlash(name))
}

// FileWriter is a file that is being written.
type FileWriter struct{ f *os.File }

func (f *FileWriter) Write(p []byte) (int, error) { return f.f.Write(p) }

// Finish closes the file and gives it its permissions. They are not left to
// the umask, which is the caller's and not the payload's.
func (f *FileWriter) Finish(perm fs.FileMode) error {
	if runtime.GOOS != "windows" {
		if err := f.f.Chmod(perm); err != nil {
			f.Abandon()
			return err
		}
	}
	return f.f.Close()
}

// Abandon closes the file as it is.
func (f *FileWriter) Abandon() { _ = f.f.Close() }
