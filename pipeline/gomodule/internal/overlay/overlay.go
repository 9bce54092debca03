// Package overlay joins the two folders that hold one payload.
package overlay

import (
	"errors"
	"io/fs"
)

// FS opens a name in the first folder that has it. It holds no state of its
// own, so it is as safe for concurrent use as the file systems it joins.
type FS []fs.FS

// New returns the payload in folder platform of fsys, with the
// sibling folder common (if there is one) behind it.
func New(fsys fs.FS, platform, common string) (FS, error) {
	own, err := fs.Sub(fsys, platform)
	if err != nil {
		return nil, err
	}
	layers := FS{own}
	if st, err := fs.Stat(fsys, common); err == nil && st.IsDir() {
		shared, err := fs.Sub(fsys, common)
		if err != nil {
			return nil, err
		}
		layers = append(layers, shared)
	}
	return layers, nil
}

// Open implements fs.FS. When no layer has the name, the error is that of the
// first layer.
func (l FS) Open(name string) (fs.File, error) {
	var first error
	for _, layer := range l {
		f, err := layer.Open(name)
		if err == nil {
			return f, nil
		}
		if first == nil {
			first = err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if first == nil {
		first = &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return nil, first
}
