package embed_util

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"
	"strings"
)

// parseOld checks a manifest of go-embed-python: no hashes, content beside the
// manifest under its own name, with ".gz" appended where it is compressed.
func parseOld(jm *jsonManifest) (*manifest, error) {
	var f faults
	m := &manifest{entries: make([]entry, 0, len(jm.Files))}
	seen := make(map[string]bool, len(jm.Files))
	for i := range jm.Files {
		je := &jm.Files[i]
		// Manifests made on Windows have the separators of Windows.
		name := strings.ReplaceAll(je.Name, `\`, "/")
		if err := checkName(name); err != nil {
			f.addf("name %q %v", je.Name, err)
		} else if err := checkNameOS(name); err != nil {
			f.addf("name %q %v", je.Name, err)
		}
		if seen[name] {
			f.addf("%q stands there twice", name)
		}
		seen[name] = true
		m.entries = append(m.entries, entryOld(name, je, &f))
	}
	addParents(m, seen)
	sortEntries(m.entries)
	checkTree(m, &f)
	if err := f.err(ErrManifest); err != nil {
		return nil, err
	}
	return m, nil
}

func entryOld(name string, je *jsonEntry, f *faults) entry {
	e := entry{name: name, mode: fs.FileMode(je.Perm)}
	switch {
	case je.Perm > 1<<32-1 || e.mode.Type()&^(fs.ModeDir|fs.ModeSymlink) != 0 || e.isDir() && e.isSymlink():
		f.addf("%q: perm %d is not a file, folder or symlink", name, je.Perm)
		e.mode &= fs.ModePerm
	case e.isSymlink():
		e.symlink = strings.ReplaceAll(je.Symlink, `\`, "/")
		if err := checkTarget(name, e.symlink); err != nil {
			f.addf("%q: symlink target %q %v", name, e.symlink, err)
		}
	case e.isRegular():
		if je.Size == nil || *je.Size < 0 {
			f.addf("%q: size is missing or negative", name)
			break
		}
		e.size = *je.Size
		e.blob = name
		if je.Compressed {
			e.codec = codecGzip
			e.blob += ".gz"
		}
	}
	return e
}

// addParents adds the folders that older manifests may leave out.
func addParents(m *manifest, seen map[string]bool) {
	for i := range m.entries {
		for p := parentOf(m.entries[i].name); p != "" && !seen[p]; p = parentOf(p) {
			seen[p] = true
			m.entries = append(m.entries, entry{name: p, mode: fs.ModeDir | 0o755})
		}
	}
}

// scanManifest makes the manifest of a file system that has none: every file
// is its own content.
func scanManifest(fsys fs.FS) (*manifest, error) {
	var f faults
	m := &manifest{}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if err := checkName(p); err != nil {
			f.addf("name %q %v", p, err)
		} else if err := checkNameOS(p); err != nil {
			f.addf("name %q %v", p, err)
		}
		switch {
		case d.IsDir():
			m.entries = append(m.entries, entry{name: p, mode: fs.ModeDir | 0o755})
		case info.Mode().IsRegular():
			data, err := fs.ReadFile(fsys, p)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(data)
			m.entries = append(m.entries, entry{
				name: p, mode: info.Mode().Perm() | 0o600, size: int64(len(data)),
				sum: hex.EncodeToString(sum[:]), blob: path.Clean(p),
			})
		default:
			f.addf("%q is neither a file nor a folder", p)
		}
		return nil
	})
	if err != nil {
		return nil, payloadErrorf("%w", err)
	}
	sortEntries(m.entries)
	if err := f.err(ErrManifest); err != nil {
		return nil, err
	}
	return m, nil
}
