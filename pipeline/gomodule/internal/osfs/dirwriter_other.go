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

func OpenDirWriter(dir string) (*DirWriter, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &DirWriter{root}, nil
}

func (t *DirWriter) Close() { _ = t.root.Close() }

// Mkdir makes a folder with exactly these permissions.
func (t *DirWriter) Mkdir(name string, perm fs.FileMode) error {
	if err := t.root.Mkdir(filepath.FromSlash(name), 0o700); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	return os.Chmod(t.root.Name()+sep+filepath.FromSlash(name), perm)
}

// Create makes a new file, which only this user can read until it is finished.
func (t *DirWriter) Create(name string) (*FileWriter, error) {
	f, err := t.root.OpenFile(filepath.FromSlash(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &FileWriter{f}, nil
}

// Open opens a file.
func (t *DirWriter) Open(name string) (io.ReadCloser, error) {
	return t.root.Open(filepath.FromSlash(name))
}

// FileWriter is a file that is being written.
type FileWriter struct{ f *os.File }

func (n *FileWriter) Write(p []byte) (int, error) { return n.f.Write(p) }

// Finish closes the file and gives it its permissions. They are not left to
// the umask, which is the caller's and not the payload's.
func (n *FileWriter) Finish(perm fs.FileMode) error {
	if runtime.GOOS != "windows" {
		if err := n.f.Chmod(perm); err != nil {
			n.Abandon()
			return err
		}
	}
	return n.f.Close()
}

func (n *FileWriter) Abandon() { _ = n.f.Close() }
