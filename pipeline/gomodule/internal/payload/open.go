package payload

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
)

// Payload is an embedded file system with its identity.
type Payload struct {
	FS  fs.FS
	Key string    // 64 hex digits; equal keys mean equal trees
	man *Manifest // nil until Manifest is called
}

// Open reads a payload's key. For format 1 it reads the first lines
// of the manifest only, so that a start that finds everything in place does
// not pay for thousands of entries.
func Open(fsys fs.FS) (*Payload, error) {
	if fsys == nil {
		return nil, Errorf("no file system given")
	}
	f, err := fsys.Open(ManifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return withoutManifest(fsys)
	}
	if err != nil {
		return nil, Errorf("%w", err)
	}
	defer f.Close()
	key, ok, err := readHead(f)
	if err != nil {
		return nil, err
	}
	if ok {
		return &Payload{FS: fsys, Key: key}, nil
	}
	return withWholeManifest(fsys)
}

// readHead reads format and contentHash where they come first. ok is false
// when they do not: an older manifest, or one whose keys were moved.
func readHead(r io.Reader) (key string, ok bool, err error) {
	dec := json.NewDecoder(bufio.NewReaderSize(r, 512))
	var format int64
	if !expect(dec, json.Delim('{')) || !expect(dec, "format") || dec.Decode(&format) != nil {
		return "", false, nil
	}
	if err := checkFormat(format); err != nil {
		return "", false, err
	}
	if !expect(dec, "contentHash") || dec.Decode(&key) != nil || !isHexSum(key) {
		return "", false, nil
	}
	return key, true, nil
}

func expect(dec *json.Decoder, want json.Token) bool {
	got, err := dec.Token()
	return err == nil && got == want
}

// withWholeManifest reads all of a manifest that does not start as format 1 does.
func withWholeManifest(fsys fs.FS) (*Payload, error) {
	data, err := fs.ReadFile(fsys, ManifestName)
	if err != nil {
		return nil, Errorf("%w", err)
	}
	man, err := Parse(data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	return &Payload{FS: fsys, Key: hex.EncodeToString(sum[:]), man: man}, nil
}

func withoutManifest(fsys fs.FS) (*Payload, error) {
	man, err := scanFS(fsys)
	if err != nil {
		return nil, err
	}
	if len(man.Entries) == 0 {
		return nil, Errorf("no %s and no files: nothing was embedded for this platform", ManifestName)
	}
	return &Payload{FS: fsys, Key: ContentHash(man.Entries), man: man}, nil
}

// Manifest returns the checked table of contents, read at the first call. It
// must not be called concurrently.
func (p *Payload) Manifest() (*Manifest, error) {
	if p.man != nil {
		return p.man, nil
	}
	data, err := fs.ReadFile(p.FS, ManifestName)
	if err != nil {
		return nil, Errorf("%w", err)
	}
	man, err := Parse(data)
	if err != nil {
		return nil, err
	}
	p.man = man
	return man, nil
}
