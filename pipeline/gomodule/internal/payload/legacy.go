package payload

import (
	"io/fs"
	"strings"
)

// parseLegacy checks a manifest of go-embed-python: no hashes, content beside the
// manifest under its own name, with ".gz" appended where it is compressed.
func parseLegacy(jm *jsonManifest) (*Manifest, error) {
	var errs ErrorList
	m := &Manifest{Entries: make([]Entry, 0, len(jm.Files))}
	seen := make(map[string]bool, len(jm.Files))
	for i := range jm.Files {
		je := &jm.Files[i]
		// Manifests made on Windows have the separators of Windows.
		name := strings.ReplaceAll(je.Name, `\`, "/")
		if err := CheckName(name); err != nil {
			errs.Addf("name %q %v", je.Name, err)
		} else if err := checkNameOS(name); err != nil {
			errs.Addf("name %q %v", je.Name, err)
		}
		if seen[name] {
			errs.Addf("%q is listed twice", name)
		}
		seen[name] = true
		m.Entries = append(m.Entries, legacyEntry(name, je, &errs))
	}
	addParents(m, seen)
	sortEntries(m.Entries)
	checkTree(m, &errs)
	if err := errs.Err(ErrManifest); err != nil {
		return nil, err
	}
	return m, nil
}

func legacyEntry(name string, je *jsonEntry, errs *ErrorList) Entry {
	e := Entry{Name: name, Mode: fs.FileMode(je.Perm)}
	switch {
	case je.Perm > 1<<32-1 || e.Mode.Type()&^(fs.ModeDir|fs.ModeSymlink) != 0 || e.IsDir() && e.IsSymlink():
		errs.Addf("%q: perm %d is not a file, folder or symlink", name, je.Perm)
		e.Mode &= fs.ModePerm
	case e.IsSymlink():
		e.Symlink = strings.ReplaceAll(je.Symlink, `\`, "/")
		if err := checkTarget(name, e.Symlink); err != nil {
			errs.Addf("%q: symlink target %q %v", name, e.Symlink, err)
		}
	case e.IsRegular():
		if je.Size == nil || *je.Size < 0 {
			errs.Addf("%q: size is missing or negative", name)
			break
		}
		e.Size = *je.Size
		e.Blob = name
		if je.Compressed {
			e.Codec = codecGzip
			e.Blob += ".gz"
		}
	}
	return e
}

// addParents adds the folders that older manifests may leave out.
func addParents(m *Manifest, seen map[string]bool) {
	for i := range m.Entries {
		for p := ParentDir(m.Entries[i].Name); p != "" && !seen[p]; p = ParentDir(p) {
			seen[p] = true
			m.Entries = append(m.Entries, Entry{Name: p, Mode: fs.ModeDir | 0o755})
		}
	}
}
