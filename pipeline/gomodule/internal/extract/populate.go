package extract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/payload"
)

// populate writes a whole plan into dir, which it makes and which must not exist.
// Every byte is checked while it is written. Folders come first and symlinks
// last, so that nothing is ever written through a symlink.
func populate(ctx context.Context, dir string, plan []payload.Entry, from payload.Source) error {
	if err := osfs.Mkdir(dir, 0o700); err != nil {
		return err
	}
	w, err := osfs.OpenDirWriter(dir)
	if err != nil {
		return err
	}
	defer w.Close()
	var files []*payload.Entry
	for i := range plan {
		e := &plan[i]
		switch {
		case e.IsDir():
			if err := populateDir(w, e); err != nil {
				return err
			}
		case e.IsRegular():
			files = append(files, e)
		}
	}
	err = from.WriteAll(ctx, files, func(e *payload.Entry, content payload.Content) error {
		return populateFile(w, e.Name, e, content)
	}, w.Open)
	if err != nil {
		return err
	}
	for i := range plan {
		if e := &plan[i]; e.IsSymlink() {
			if err := os.Symlink(e.Symlink, dir+string(filepath.Separator)+filepath.FromSlash(e.Name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func populateDir(w *osfs.DirWriter, e *payload.Entry) error {
	return collides(e.Name, w.Mkdir(e.Name, e.Perm()))
}

// populateFile writes an entry's content to a new file of the given name.
func populateFile(w *osfs.DirWriter, name string, e *payload.Entry, content payload.Content) error {
	f, err := w.Create(name)
	if err != nil {
		return collides(name, err)
	}
	if err := content(f); err != nil {
		f.Abandon()
		return err
	}
	return f.Finish(e.Perm())
}

// collides explains a name that is taken in a directory that was empty.
func collides(name string, err error) error {
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	return fmt.Errorf("%q: this file system takes it and another name of the payload as one: %w", name, err)
}
