//go:build !unix || aix

package embed_util

import (
	"io"
	"io/fs"
	"os"
	"runtime"
)

// tree is a folder that files are written into, and never outside of it. It
// may be used concurrently.
type tree struct{ root *os.Root }

func openTree(dir string) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &tree{root}, nil
}

func (t *tree) close() { _ = t.root.Close() }

// mkdir makes a folder with exactly these permissions.
func (t *tree) mkdir(name string, perm fs.FileMode) error {
	if err := t.root.Mkdir(fromSlash(name), 0o700); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	return os.Chmod(t.root.Name()+sep+fromSlash(name), perm)
}

// create makes a new file, which only this user can read until it is finished.
func (t *tree) create(name string) (*newFile, error) {
	f, err := t.root.OpenFile(fromSlash(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &newFile{f}, nil
}

// read opens a file.
func (t *tree) read(name string) (io.ReadCloser, error) { return t.root.Open(fromSlash(name)) }

// newFile is a file that is being written.
type newFile struct{ f *os.File }

func (n *newFile) Write(p []byte) (int, error) { return n.f.Write(p) }

// finish closes the file and gives it its permissions. They are not left to
// the umask, which is the caller's and not the payload's.
func (n *newFile) finish(perm fs.FileMode) error {
	if runtime.GOOS != "windows" {
		if err := n.f.Chmod(perm); err != nil {
			n.abandon()
			return err
		}
	}
	return n.f.Close()
}

func (n *newFile) abandon() { _ = n.f.Close() }
