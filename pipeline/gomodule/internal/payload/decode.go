package payload

import (
	"encoding/json"
	"fmt"
	"io/fs"
)

// jsonEntry is an entry of files.json, in either format.
type jsonEntry struct {
	Name       string  `json:"name"`
	Perm       uint64  `json:"perm"`
	Size       *int64  `json:"size"`
	Sum        *string `json:"sha256"`
	Codec      *string `json:"codec"`
	Symlink    string  `json:"symlink"`
	Compressed bool    `json:"compressed"`
}

type jsonManifest struct {
	Format      *int64      `json:"format"`
	ContentHash string      `json:"contentHash"`
	Stream      *string     `json:"stream"`
	Files       []jsonEntry `json:"files"`
}

// Parse reads a files.json of format 1 or of go-embed-python and
// checks all of it. Its errors match ErrManifest and name the entries.
func Parse(data []byte) (*Manifest, error) {
	jm, ok := decodeLines(data)
	if !ok {
		jm = new(jsonManifest)
		if err := json.Unmarshal(data, jm); err != nil {
			return nil, Errorf("%s: %w", ManifestName, err)
		}
	}
	if jm.Format == nil {
		return parseLegacy(jm)
	}
	if err := checkFormat(*jm.Format); err != nil {
		return nil, err
	}
	return parseFormat1(jm)
}

func checkFormat(format int64) error {
	if format == formatVersion {
		return nil
	}
	return fmt.Errorf("%w: %w: %s has format %d, this version reads format %d",
		ErrManifest, ErrFormat, ManifestName, format, formatVersion)
}

func parseFormat1(jm *jsonManifest) (*Manifest, error) {
	var errs ErrorList
	m := &Manifest{Entries: make([]Entry, 0, len(jm.Files))}
	for i := range jm.Files {
		m.Entries = append(m.Entries, entryFormat1(&jm.Files[i], &errs))
		if i > 0 && jm.Files[i-1].Name >= jm.Files[i].Name {
			errs.Addf("%q comes after %q: not sorted, or listed twice", jm.Files[i].Name, jm.Files[i-1].Name)
		}
	}
	checkTree(m, &errs)
	if jm.Stream != nil {
		m.Stream = *jm.Stream
		checkStream(m, &errs)
	}
	if len(errs.list) == 0 {
		if got := ContentHash(m.Entries); got != jm.ContentHash {
			errs.Addf("contentHash is %q, the entries give %q", jm.ContentHash, got)
		}
	}
	if err := errs.Err(ErrManifest); err != nil {
		return nil, err
	}
	return m, nil
}

// entryFormat1 converts one entry and adds its own faults to f.
func entryFormat1(je *jsonEntry, errs *ErrorList) Entry {
	e := Entry{Name: je.Name, Mode: fs.FileMode(je.Perm), Symlink: je.Symlink}
	if err := CheckName(je.Name); err != nil {
		errs.Addf("name %q %v", je.Name, err)
	} else if err := checkNameOS(je.Name); err != nil {
		errs.Addf("name %q %v", je.Name, err)
	}
	if je.Perm > 1<<32-1 || e.Mode.Type()&^(fs.ModeDir|fs.ModeSymlink) != 0 || e.IsDir() && e.IsSymlink() {
		errs.Addf("%q: perm %d is not a file, folder or symlink", je.Name, je.Perm)
		e.Mode &= fs.ModePerm
		return e
	}
	if !e.IsRegular() && (je.Size != nil || je.Sum != nil || je.Codec != nil) {
		errs.Addf("%q: size, sha256 and codec belong to regular files only", je.Name)
	}
	switch {
	case e.IsSymlink():
		if err := checkTarget(e.Name, e.Symlink); err != nil {
			errs.Addf("%q: symlink target %q %v", e.Name, e.Symlink, err)
		}
	case e.Symlink != "":
		errs.Addf("%q: has a symlink target and is not a symlink", e.Name)
	}
	if e.IsRegular() {
		contentFormat1(&e, je, errs)
	}
	return e
}

func contentFormat1(e *Entry, je *jsonEntry, errs *ErrorList) {
	if je.Size == nil || *je.Size < 0 {
		errs.Addf("%q: size is missing or negative", e.Name)
	} else {
		e.Size = *je.Size
	}
	if je.Codec != nil {
		if e.Codec = codec(*je.Codec); e.Codec != CodecZstd {
			errs.Addf("%q: unknown codec %q", e.Name, *je.Codec)
		}
	}
	if je.Sum == nil || !isHexSum(*je.Sum) {
		errs.Addf("%q: sha256 is missing or not 64 lower-case hex digits", e.Name)
		return
	}
	e.Sum = *je.Sum
	e.Blob = blobName(e.Sum, e.Codec)
}

// checkStream adds the faults of a payload whose contents are in one stream.
// What is where in it follows from sizes and hashes alone, so these must not
// contradict each other.
func checkStream(m *Manifest, errs *ErrorList) {
	if !isBlobName(m.Stream) {
		errs.Addf("stream %q is not named by 32 lower-case hex digits, with %q behind them or not", m.Stream, zstdSuffix)
	}
	first := make(map[string]*Entry, len(m.Entries))
	for i := range m.Entries {
		e := &m.Entries[i]
		if !e.IsRegular() {
			continue
		}
		e.Blob = m.Stream
		if e.Codec != CodecRaw {
			errs.Addf("%q: has a codec, and its content is in a stream", e.Name)
		}
		if e.Sum == "" {
			continue // a fault already
		}
		if (e.Size == 0) != (e.Sum == EmptySum) {
			errs.Addf("%q: size %d does not fit its sha256", e.Name, e.Size)
		}
		if other := first[e.Sum]; other == nil {
			first[e.Sum] = e
		} else if other.Size != e.Size {
			errs.Addf("%q: has the sha256 of %q and another size", e.Name, other.Name)
		}
	}
}

// checkTree adds the faults that no entry has on its own: a parent that is
// missing or no folder, symlinks that together lead out of the tree.
func checkTree(m *Manifest, errs *ErrorList) {
	dirs := make(map[string]bool, len(m.Entries))
	for i := range m.Entries {
		dirs[m.Entries[i].Name] = m.Entries[i].IsDir()
	}
	links := m.Symlinks()
	for i := range m.Entries {
		e := &m.Entries[i]
		if parent := ParentDir(e.Name); parent != "" {
			isDir, known := dirs[parent]
			if !known {
				errs.Addf("%q: its folder has no entry", e.Name)
			} else if !isDir {
				errs.Addf("%q: is below %q, which is not a folder", e.Name, parent)
			}
		}
		if e.IsSymlink() {
			if _, escapes, _ := resolve(e.Name, links); escapes {
				errs.Addf("%q: symlink target %q leaves the tree through other symlinks", e.Name, e.Symlink)
			}
		}
	}
}
