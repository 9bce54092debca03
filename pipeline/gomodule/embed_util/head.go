package embed_util

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
)

// payload is an embedded file system with its identity.
type payload struct {
	fsys fs.FS
	key  string    // 64 hex digits; equal keys mean equal trees
	man  *manifest // nil until manifest is called
}

// openPayload finds out a payload's key. For format 1 it reads the first lines
// of the manifest only, so that a start that finds everything in place does
// not pay for thousands of entries.
func openPayload(fsys fs.FS) (*payload, error) {
	if fsys == nil {
		return nil, payloadErrorf("no file system given")
	}
	f, err := fsys.Open(manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return scanPayload(fsys)
	}
	if err != nil {
		return nil, payloadErrorf("%w", err)
	}
	defer f.Close()
	key, ok, err := readHead(f)
	if err != nil {
		return nil, err
	}
	if ok {
		return &payload{fsys: fsys, key: key}, nil
	}
	return wholePayload(fsys)
}

// readHead reads format and contentHash where they stand first. ok is false
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

// wholePayload reads all of a manifest that does not start as format 1 does.
func wholePayload(fsys fs.FS) (*payload, error) {
	data, err := fs.ReadFile(fsys, manifestName)
	if err != nil {
		return nil, payloadErrorf("%w", err)
	}
	man, err := parseManifest(data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	return &payload{fsys: fsys, key: hex.EncodeToString(sum[:]), man: man}, nil
}

func scanPayload(fsys fs.FS) (*payload, error) {
	man, err := scanManifest(fsys)
	if err != nil {
		return nil, err
	}
	if len(man.entries) == 0 {
		return nil, payloadErrorf("no %s and no files: nothing was embedded for this platform", manifestName)
	}
	return &payload{fsys: fsys, key: contentHash(man.entries), man: man}, nil
}

// manifest returns the checked table of contents, read at the first call. It
// is called under the lock of the EmbeddedFiles that owns p.
func (p *payload) manifest() (*manifest, error) {
	if p.man != nil {
		return p.man, nil
	}
	data, err := fs.ReadFile(p.fsys, manifestName)
	if err != nil {
		return nil, payloadErrorf("%w", err)
	}
	man, err := parseManifest(data)
	if err != nil {
		return nil, err
	}
	p.man = man
	return man, nil
}
