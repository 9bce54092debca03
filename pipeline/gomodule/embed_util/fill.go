package embed_util

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// fill writes a whole plan into dir, which it makes and which must not exist.
// Every byte is checked while it is written. Folders come first and symlinks
// last, so that nothing is ever written through a symlink.
func fill(ctx context.Context, dir string, plan []entry, from contents) error {
	if err := makeDir(dir); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var files []*entry
	for i := range plan {
		e := &plan[i]
		switch {
		case e.isDir():
			if err := fillDir(root, dir, e); err != nil {
				return err
			}
		case e.isRegular():
			files = append(files, e)
		}
	}
	err = from.writeAll(ctx, root, files, func(e *entry, content source) error {
		return fillFile(root, e.name, e, content)
	})
	if err != nil {
		return err
	}
	for i := range plan {
		if e := &plan[i]; e.isSymlink() {
			if err := os.Symlink(e.symlink, dir+sep+fromSlash(e.name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func fillDir(root *os.Root, dir string, e *entry) error {
	if err := root.Mkdir(fromSlash(e.name), 0o700); err != nil {
		return collides(e.name, err)
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	return os.Chmod(dir+sep+fromSlash(e.name), e.perm())
}

// fillFile writes an entry's content to a new file of the given name.
func fillFile(root *os.Root, name string, e *entry, content source) error {
	f, err := root.OpenFile(fromSlash(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return collides(name, err)
	}
	if err := content(f); err != nil {
		f.Close()
		return err
	}
	if runtime.GOOS != "windows" {
		// Not left to the umask, which is the caller's and not the payload's.
		if err := f.Chmod(e.perm()); err != nil {
			f.Close()
			return err
		}
	}
	return f.Close()
}

// collides explains a name that is taken in a directory that was empty.
func collides(name string, err error) error {
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	return fmt.Errorf("%q: this file system takes it and another name of the payload as one: %w", name, err)
}
