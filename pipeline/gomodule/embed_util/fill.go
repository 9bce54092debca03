package embed_util

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// fill writes a whole plan into dir, which it makes and which must not exist.
// Every byte is checked while it is written. Folders come first and symlinks
// last, so that nothing is ever written through a symlink.
func fill(ctx context.Context, dir string, plan []entry, from contents) error {
	if err := makeDir(dir); err != nil {
		return err
	}
	t, err := openTree(dir)
	if err != nil {
		return err
	}
	defer t.close()
	var files []*entry
	for i := range plan {
		e := &plan[i]
		switch {
		case e.isDir():
			if err := fillDir(t, e); err != nil {
				return err
			}
		case e.isRegular():
			files = append(files, e)
		}
	}
	err = from.writeAll(ctx, t, files, func(e *entry, content source) error {
		return fillFile(t, e.name, e, content)
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

func fillDir(t *tree, e *entry) error {
	return collides(e.name, t.mkdir(e.name, e.perm()))
}

// fillFile writes an entry's content to a new file of the given name.
func fillFile(t *tree, name string, e *entry, content source) error {
	f, err := t.create(name)
	if err != nil {
		return collides(name, err)
	}
	if err := content(f); err != nil {
		f.abandon()
		return err
	}
	return f.finish(e.perm())
}

// collides explains a name that is taken in a directory that was empty.
func collides(name string, err error) error {
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	return fmt.Errorf("%q: this file system takes it and another name of the payload as one: %w", name, err)
}
