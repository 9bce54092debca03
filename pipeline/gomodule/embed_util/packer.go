package embed_util

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// CopyForEmbed packs the directory dir into the directory out, in payload
// format 1: a files.json and one compressed blob per different content, or
// with WithStream one file for all. Embed out with go:embed, and it is what
// NewEmbeddedFiles takes.
//
// The same files give the same bytes, wherever and whenever they are packed:
// permissions become 0755 or 0644, times and owners are not stored. What an
// earlier CopyForEmbed has left in out and is not needed any more is removed.
//
// It is an error if dir holds a symlink that leaves it, a file that is no
// regular file, folder or symlink, or a name that is not portable (see
// payload format 1 in the package comment); all of these are told together.
// Two calls must not write to the same out at the same time.
func CopyForEmbed(out string, dir string, opts ...PackOption) error {
	if err := apart(out, dir); err != nil {
		return err
	}
	entries, err := scanDir(dir, "")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("embed_util: pack: %w", err)
	}
	m := &manifest{entries: entries}
	if newPackOptions(opts).stream {
		m.stream, err = packStream(out, dir, m)
	} else {
		err = packBlobs(out, dir, entries)
	}
	if err != nil {
		return fmt.Errorf("embed_util: pack %s: %w", dir, err)
	}
	if err := removeOldBlobs(out, m); err != nil {
		return fmt.Errorf("embed_util: pack: %w", err)
	}
	return writeBeside(filepath.Join(out, manifestName), encodeManifest(m))
}

// apart refuses an output inside the input, which would pack itself.
func apart(out, dir string) error {
	a, err := filepath.Abs(out)
	if err != nil {
		return fmt.Errorf("embed_util: pack: %w", err)
	}
	b, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("embed_util: pack: %w", err)
	}
	if a == b || strings.HasPrefix(a, strings.TrimSuffix(b, sep)+sep) {
		return fmt.Errorf("embed_util: pack: %s is inside %s", out, dir)
	}
	return nil
}

// scanDir lists a directory, with sizes and hashes left to be filled in. The
// file named skip at its top is left out.
func scanDir(dir, skip string) ([]entry, error) {
	var f faults
	var entries []entry
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
		if err := checkName(name); err != nil {
			f.addf("name %q %v", name, err)
		}
		e, err := scanEntry(path, name, d, &f)
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("embed_util: pack %s: %w", dir, err)
	}
	sortEntries(entries)
	checkTree(&manifest{entries: entries}, &f)
	if err := f.err(errors.New("cannot be packed")); err != nil {
		return nil, fmt.Errorf("embed_util: pack %s: %w", dir, err)
	}
	return entries, nil
}

func scanEntry(path, name string, d fs.DirEntry, f *faults) (entry, error) {
	e := entry{name: name}
	info, err := d.Info()
	if err != nil {
		return e, err
	}
	switch {
	case d.IsDir():
		e.mode = fs.ModeDir | 0o755
	case info.Mode()&fs.ModeSymlink != 0:
		e.mode = fs.ModeSymlink | 0o777
		target, err := os.Readlink(path)
		if err != nil {
			return e, err
		}
		e.symlink = target
		if os.PathSeparator != '/' {
			e.symlink = filepath.ToSlash(target)
		}
		if err := checkTarget(name, e.symlink); err != nil {
			f.addf("%q: symlink target %q %v", name, e.symlink, err)
		}
	case info.Mode().IsRegular():
		e.mode = 0o644
		if info.Mode()&0o111 != 0 {
			e.mode = 0o755
		}
	default:
		f.addf("%q is neither a file, a folder nor a symlink", name)
	}
	return e, nil
}

// packBlobs reads, hashes and compresses every regular file.
func packBlobs(out, dir string, entries []entry) error {
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithEncoderConcurrency(workers()))
	if err != nil {
		return err
	}
	defer enc.Close()
	return parallel(context.Background(), len(entries), func(i int) error {
		e := &entries[i]
		if !e.isRegular() {
			return nil
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(e.name)))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		e.sum = hex.EncodeToString(sum[:])
		e.size = int64(len(data))
		stored := enc.EncodeAll(data, nil)
		if len(stored) < len(data) {
			e.codec = codecZstd
		} else {
			stored = data
		}
		e.blob = blobName(e.sum, e.codec)
		path := filepath.Join(out, e.blob)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, stored) {
			return nil
		}
		return writeBeside(path, stored)
	})
}

// writeBeside replaces a file in one step.
func writeBeside(path string, data []byte) error {
	return writeThenName(filepath.Dir(path), func(f *os.File) (string, error) {
		_, err := f.Write(data)
		return filepath.Base(path), err
	})
}

// writeThenName is writeBeside for a file whose name follows from what write
// has written.
func writeThenName(dir string, write func(f *os.File) (name string, err error)) error {
	f, err := os.CreateTemp(dir, ".goempy-*")
	if err != nil {
		return err
	}
	name, err := write(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = renameRetry(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// removeOldBlobs removes blobs and streams that are not the manifest's. It goes
// by their names, and only where an earlier manifest shows that the folder is a
// payload's.
func removeOldBlobs(out string, m *manifest) error {
	if _, err := os.Stat(filepath.Join(out, manifestName)); err != nil {
		return nil
	}
	needed := map[string]bool{m.stream: true}
	for i := range m.entries {
		needed[m.entries[i].blob] = true
	}
	files, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	for _, f := range files {
		if isBlobName(f.Name()) && f.Type().IsRegular() && !needed[f.Name()] {
			if err := os.Remove(filepath.Join(out, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
