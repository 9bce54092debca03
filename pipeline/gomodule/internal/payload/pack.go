package payload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goempy/goempy/internal/osfs"
)

// Layout is how contents are stored.
type Layout int

const (
	LayoutFrames Layout = iota // one file of frames, which are decoded by all cores
	LayoutBlobs                // one file for each content
	LayoutStream               // one file of one frame, the smallest
)

// PackOptions change how Pack packs.
type PackOptions struct {
	Layout Layout

	// Executable says whether a regular file is to be executable. Without it, the
	// file's permissions decide, which Windows does not have.
	Executable func(path string) (bool, error)
}

// Pack packs the directory dir into out, in payload format 1, with a .gitattributes that
// keeps git from changing them, and removes what an
// earlier call has left in out and is not needed any more. The same files give the
// same bytes.
func Pack(out, dir string, o PackOptions) error {
	if err := checkOutside(out, dir); err != nil {
		return err
	}
	entries, err := scanDir(dir, "")
	if err != nil {
		return err
	}
	if o.Executable != nil {
		if err := setModes(dir, entries, o.Executable); err != nil {
			return fmt.Errorf("embed_util: pack %s: %w", dir, err)
		}
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("embed_util: pack: %w", err)
	}
	m := &Manifest{Entries: entries}
	if err := packContents(out, dir, m, o.Layout); err != nil {
		return fmt.Errorf("embed_util: pack %s: %w", dir, err)
	}
	if err := removeOldBlobs(out, m); err != nil {
		return fmt.Errorf("embed_util: pack: %w", err)
	}
	if err := keepBytes(out); err != nil {
		return fmt.Errorf("embed_util: pack: %w", err)
	}
	return osfs.WriteFile(filepath.Join(out, ManifestName), Encode(m))
}

func packContents(out, dir string, m *Manifest, layout Layout) (err error) {
	if layout == LayoutBlobs {
		return packBlobs(out, dir, m.Entries)
	}
	if layout == LayoutStream {
		m.Stream, err = packStream(out, dir, m)
	} else {
		m.Stream, err = packFrames(out, dir, m)
	}
	return err
}

// keepBytes makes git leave the files as they are: Git for Windows changes line ends
// of what it takes for text. A .gitattributes that is there is the caller's.
func keepBytes(out string) error {
	path := filepath.Join(out, ".gitattributes")
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return osfs.WriteFile(path, []byte("* -text\n"))
}

// setModes makes regular files executable or not.
func setModes(dir string, entries []Entry, executable func(path string) (bool, error)) error {
	for i := range entries {
		e := &entries[i]
		if !e.IsRegular() {
			continue
		}
		ok, err := executable(filepath.Join(dir, filepath.FromSlash(e.Name)))
		if err != nil {
			return err
		}
		e.Mode = 0o644
		if ok {
			e.Mode = 0o755
		}
	}
	return nil
}

// checkOutside refuses an output inside the input, which would pack itself.
func checkOutside(out, dir string) error {
	a, err := filepath.Abs(out)
	if err != nil {
		return fmt.Errorf("embed_util: pack: %w", err)
	}
	b, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("embed_util: pack: %w", err)
	}
	if a == b || strings.HasPrefix(a, strings.TrimSuffix(b, string(filepath.Separator))+string(filepath.Separator)) {
		return fmt.Errorf("embed_util: pack: %s is inside %s", out, dir)
	}
	return nil
}

// packBlobs reads, hashes and compresses every regular file.
func packBlobs(out, dir string, entries []Entry) error {
	return Parallel(context.Background(), len(entries), func(i int) error {
		e := &entries[i]
		if !e.IsRegular() {
			return nil
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(e.Name)))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		e.Sum = hex.EncodeToString(sum[:])
		e.Size = int64(len(data))
		enc, err := blobEncoders.get()
		if err != nil {
			return err
		}
		stored := enc.EncodeAll(data, nil)
		blobEncoders.put(enc)
		if len(stored) < len(data) {
			e.Codec = CodecZstd
		} else {
			stored = data
		}
		e.Blob = blobName(e.Sum, e.Codec)
		return osfs.WriteFile(filepath.Join(out, e.Blob), stored)
	})
}

// removeOldBlobs removes blobs and streams that are not the manifest's. It goes
// by their names, and only where an earlier manifest shows that the folder is a
// payload's.
func removeOldBlobs(out string, m *Manifest) error {
	if _, err := os.Stat(filepath.Join(out, ManifestName)); err != nil {
		return nil
	}
	needed := map[string]bool{m.Stream: true}
	for i := range m.Entries {
		needed[m.Entries[i].Blob] = true
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
