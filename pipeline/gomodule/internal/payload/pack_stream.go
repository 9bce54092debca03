package payload

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/goempy/goempy/internal/osfs"
)

// packStream writes all contents into one frame and returns its file's name. Files were
// read once for their hashes, so that none of them is ever in memory as a whole.
func packStream(out, dir string, m *Manifest) (name string, err error) {
	if err := hashAll(dir, m.Entries, nil); err != nil {
		return "", err
	}
	j := streamPacker{dir: dir, order: m.distinct()}
	err = osfs.WriteNamed(out, func(f *os.File) (string, error) {
		name, err = j.pack(f)
		return name, err
	})
	return name, err
}

// streamPacker reads the contents of a stream.
type streamPacker struct {
	dir   string
	order []*Entry
}

// pack writes the stream to f, compressed if that makes it smaller, and returns
// its name.
func (p *streamPacker) pack(f *os.File) (name string, err error) {
	var total int64
	for _, e := range p.order {
		total += e.Size
	}
	enc, err := streamEncoders.get()
	if err != nil {
		return "", err
	}
	defer streamEncoders.put(enc)
	enc.ResetContentSize(f, total)
	sum, err := p.copy(enc)
	if errClose := enc.Close(); err == nil {
		err = errClose
	}
	if err != nil {
		return "", err
	}
	stored, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return "", err
	}
	if stored < total {
		return blobName(sum, CodecZstd), nil
	}
	if err := f.Truncate(0); err != nil {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	sum, err = p.copy(f)
	return blobName(sum, CodecRaw), err
}

// copy writes all contents to w and returns the sha256 of them together.
func (p *streamPacker) copy(w io.Writer) (sum string, err error) {
	whole := sha256.New()
	w = io.MultiWriter(w, whole)
	for _, e := range p.order {
		if err := p.copyFile(w, e); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(whole.Sum(nil)), nil
}

// copyFile writes a content to w, and checks it once more.
func (p *streamPacker) copyFile(w io.Writer, e *Entry) error {
	f, err := os.Open(filepath.Join(p.dir, filepath.FromSlash(e.Name)))
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), f)
	if err != nil {
		return err
	}
	if n != e.Size || hex.EncodeToString(h.Sum(nil)) != e.Sum {
		return changedError(e)
	}
	return nil
}
