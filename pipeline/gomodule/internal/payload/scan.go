package payload

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// scanFS makes the manifest of a file system that has none: every file
// is its own content.
func scanFS(fsys fs.FS) (*Manifest, error) {
	var errs ErrorList
	m := &Manifest{}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if err := CheckName(p); err != nil {
			errs.Addf("name %q %v", p, err)
		} else if err := checkNameOS(p); err != nil {
			errs.Addf("name %q %v", p, err)
		}
		switch {
		case d.IsDir():
			m.Entries = append(m.Entries, Entry{Name: p, Mode: fs.ModeDir | 0o755})
		case info.Mode().IsRegular():
			data, err := fs.ReadFile(fsys, p)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(data)
			m.Entries = append(m.Entries, Entry{
				Name: p, Mode: info.Mode().Perm() | 0o600, Size: int64(len(data)),
				Sum: hex.EncodeToString(sum[:]), Blob: path.Clean(p),
			})
		default:
			errs.Addf("%q is neither a file nor a folder", p)
		}
		return nil
	})
	if err != nil {
		return nil, Errorf("%w", err)
	}
	sortEntries(m.Entries)
	if err := errs.Err(ErrManifest); err != nil {
		return nil, err
	}
	return m, nil
}

// scanDir lists a directory, with hashes left to be filled in. The
// file named skip at its top is left out.
func scanDir(dir, skip string) ([]Entry, error) {
	var errs ErrorList
	var entries []Entry
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if name == skip {
			return nil
		}
		if err := CheckName(name); err != nil {
			errs.Addf("name %q %v", name, err)
		}
		e, err := scanEntry(path, name, d, &errs)
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("embed_util: pack %s: %w", dir, err)
	}
	sortEntries(entries)
	checkTree(&Manifest{Entries: entries}, &errs)
	if err := errs.Err(errors.New("cannot be packed")); err != nil {
		return nil, fmt.Errorf("embed_util: pack %s: %w", dir, err)
	}
	return entries, nil
}

func scanEntry(path, name string, d fs.DirEntry, errs *ErrorList) (Entry, error) {
	e := Entry{Name: name}
	info, err := d.Info()
	if err != nil {
		return e, err
	}
	switch {
	case d.IsDir():
		e.Mode = fs.ModeDir | 0o755
	case info.Mode()&fs.ModeSymlink != 0:
		e.Mode = fs.ModeSymlink | 0o777
		target, err := os.Readlink(path)
		if err != nil {
			return e, err
		}
		e.Symlink = target
		if os.PathSeparator != '/' {
			e.Symlink = filepath.ToSlash(target)
		}
		if err := checkTarget(name, e.Symlink); err != nil {
			errs.Addf("%q: symlink target %q %v", name, e.Symlink, err)
		}
	case info.Mode().IsRegular():
		e.Mode, e.Size = 0o644, info.Size()
		if info.Mode()&0o111 != 0 {
			e.Mode = 0o755
		}
	default:
		errs.Addf("%q is neither a file, a folder nor a symlink", name)
	}
	return e, nil
}
