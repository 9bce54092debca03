package embed_util

import (
	"encoding/json"
	"fmt"
	"io/fs"
)

// jsonEntry is an entry as it stands in files.json, in either format.
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

// parseManifest reads a files.json of format 1 or of go-embed-python and
// checks all of it. Its errors match ErrManifest and name the entries.
func parseManifest(data []byte) (*manifest, error) {
	var jm jsonManifest
	if err := json.Unmarshal(data, &jm); err != nil {
		return nil, payloadErrorf("%s: %w", manifestName, err)
	}
	if jm.Format == nil {
		return parseOld(&jm)
	}
	if err := checkFormat(*jm.Format); err != nil {
		return nil, err
	}
	return parseFormat1(&jm)
}

func checkFormat(format int64) error {
	if format == formatNumber {
		return nil
	}
	return fmt.Errorf("%w: %w: %s has format %d, this version reads format %d",
		ErrManifest, ErrFormat, manifestName, format, formatNumber)
}

func parseFormat1(jm *jsonManifest) (*manifest, error) {
	var f faults
	m := &manifest{entries: make([]entry, 0, len(jm.Files))}
	for i := range jm.Files {
		m.entries = append(m.entries, entryFormat1(&jm.Files[i], &f))
		if i > 0 && jm.Files[i-1].Name >= jm.Files[i].Name {
			f.addf("%q stands after %q: not sorted, or twice", jm.Files[i].Name, jm.Files[i-1].Name)
		}
	}
	checkTree(m, &f)
	if jm.Stream != nil {
		m.stream = *jm.Stream
		checkStream(m, &f)
	}
	if len(f.list) == 0 {
		if got := contentHash(m.entries); got != jm.ContentHash {
			f.addf("contentHash is %q, the entries give %q", jm.ContentHash, got)
		}
	}
	if err := f.err(ErrManifest); err != nil {
		return nil, err
	}
	return m, nil
}

// entryFormat1 converts one entry and adds its own faults to f.
func entryFormat1(je *jsonEntry, f *faults) entry {
	e := entry{name: je.Name, mode: fs.FileMode(je.Perm), symlink: je.Symlink}
	if err := checkName(je.Name); err != nil {
		f.addf("name %q %v", je.Name, err)
	} else if err := checkNameOS(je.Name); err != nil {
		f.addf("name %q %v", je.Name, err)
	}
	if je.Perm > 1<<32-1 || e.mode.Type()&^(fs.ModeDir|fs.ModeSymlink) != 0 || e.isDir() && e.isSymlink() {
		f.addf("%q: perm %d is not a file, folder or symlink", je.Name, je.Perm)
		e.mode &= fs.ModePerm
		return e
	}
	if !e.isRegular() && (je.Size != nil || je.Sum != nil || je.Codec != nil) {
		f.addf("%q: size, sha256 and codec belong to regular files only", je.Name)
	}
	switch {
	case e.isSymlink():
		if err := checkTarget(e.name, e.symlink); err != nil {
			f.addf("%q: symlink target %q %v", e.name, e.symlink, err)
		}
	case e.symlink != "":
		f.addf("%q: has a symlink target and is no symlink", e.name)
	}
	if e.isRegular() {
		contentFormat1(&e, je, f)
	}
	return e
}

func contentFormat1(e *entry, je *jsonEntry, f *faults) {
	if je.Size == nil || *je.Size < 0 {
		f.addf("%q: size is missing or negative", e.name)
	} else {
		e.size = *je.Size
	}
	if je.Codec != nil {
		if e.codec = codec(*je.Codec); e.codec != codecZstd {
			f.addf("%q: unknown codec %q", e.name, *je.Codec)
		}
	}
	if je.Sum == nil || !isHexSum(*je.Sum) {
		f.addf("%q: sha256 is missing or not 64 lower-case hex digits", e.name)
		return
	}
	e.sum = *je.Sum
	e.blob = blobName(e.sum, e.codec)
}

// checkStream adds the faults of a payload whose contents are in one stream.
// What is where in it follows from sizes and hashes alone, so these must not
// contradict each other.
func checkStream(m *manifest, f *faults) {
	if !isBlobName(m.stream) {
		f.addf("stream %q is not named by 32 lower-case hex digits, with %q behind them or not", m.stream, zstdSuffix)
	}
	first := make(map[string]*entry, len(m.entries))
	for i := range m.entries {
		e := &m.entries[i]
		if !e.isRegular() {
			continue
		}
		e.blob = m.stream
		if e.codec != codecRaw {
			f.addf("%q: has a codec, and its content is in a stream", e.name)
		}
		if e.sum == "" {
			continue // a fault already
		}
		if (e.size == 0) != (e.sum == emptySum) {
			f.addf("%q: size %d does not fit its sha256", e.name, e.size)
		}
		if other := first[e.sum]; other == nil {
			first[e.sum] = e
		} else if other.size != e.size {
			f.addf("%q: has the sha256 of %q and another size", e.name, other.name)
		}
	}
}

// checkTree adds the faults that no entry has on its own: a parent that is
// missing or no folder, symlinks that together lead out of the tree.
func checkTree(m *manifest, f *faults) {
	dirs := make(map[string]bool, len(m.entries))
	for i := range m.entries {
		dirs[m.entries[i].name] = m.entries[i].isDir()
	}
	links := m.links()
	for i := range m.entries {
		e := &m.entries[i]
		if parent := parentOf(e.name); parent != "" {
			isDir, known := dirs[parent]
			if !known {
				f.addf("%q: its folder has no entry", e.name)
			} else if !isDir {
				f.addf("%q: stands below %q, which is no folder", e.name, parent)
			}
		}
		if e.isSymlink() {
			if _, escapes, _ := resolve(e.name, links); escapes {
				f.addf("%q: symlink target %q leaves the tree through other symlinks", e.name, e.symlink)
			}
		}
	}
}
