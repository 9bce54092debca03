package payload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
)

// Source is the contents of a payload's files, however they are stored.
type Source interface {
	// WriteAll calls write once for each of files, from several goroutines.
	// When write returns, written opens the file by the entry's name.
	WriteAll(ctx context.Context, files []*Entry, write writeFunc, written openFunc) error

	// SumOf returns the sha256 of an entry's content, also for entries of
	// older manifests, which do not record it.
	SumOf(e *Entry) (string, error)

	// Close gives back the decoders' memory.
	Close()
}

// Content writes one checked content. What it has written must not be used when
// it returns an error.
type Content func(w io.Writer) error

// writeFunc makes the file of an entry.
type writeFunc func(e *Entry, content Content) error

// openFunc opens a file that was written.
type openFunc func(name string) (io.ReadCloser, error)

// NewSource returns the contents of a payload. Close it when it is no longer needed.
func NewSource(fsys fs.FS, m *Manifest) Source {
	if m.Stream != "" {
		return newStream(fsys, m)
	}
	return newBlobs(fsys)
}

// writeError is a failure of the place written to, not of the payload.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }

func (e *writeError) Unwrap() error { return e.err }

// errTooLong ends the decoding of a content that is longer than it should be.
var errTooLong = errors.New("is longer than the manifest says")

// checkedWriter passes bytes on, hashes them, and counts those that are missing.
type checkedWriter struct {
	w    io.Writer
	h    hash.Hash
	left int64
}

func (c *checkedWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > c.left {
		return 0, errTooLong
	}
	c.h.Write(p)
	n, err := c.w.Write(p)
	c.left -= int64(n)
	if err != nil {
		return n, &writeError{err}
	}
	return n, nil
}

// checked has decode write an entry's content to w, and checks size and sha256
// on the way. It returns the content's sha256; what was written must not be
// used when it returns an error. Errors say in what kind of file it is stored.
func checked(w io.Writer, e *Entry, kind string, decode func(w io.Writer) error) (string, error) {
	c := &checkedWriter{w: w, h: sha256.New(), left: e.Size}
	if err := decode(c); err != nil {
		if we, ok := err.(*writeError); ok {
			return "", we.err
		}
		return "", contentErrorf(e, kind, "%w", err)
	}
	if c.left != 0 {
		return "", contentErrorf(e, kind, "is not %d bytes long", e.Size)
	}
	sum := hex.EncodeToString(c.h.Sum(nil))
	return sum, checkSum(e, kind, sum)
}

// checkSum compares a content's sha256 with the entry's. Entries of older
// manifests have none.
func checkSum(e *Entry, kind, sum string) error {
	if e.Sum != "" && sum != e.Sum {
		return contentErrorf(e, kind, "sha256 is %s, the manifest says %s", sum, e.Sum)
	}
	return nil
}

// checkedAll is checked for a content that is in memory.
func checkedAll(data []byte, e *Entry, kind string) error {
	if int64(len(data)) != e.Size {
		return contentErrorf(e, kind, "is not %d bytes long", e.Size)
	}
	sum := sha256.Sum256(data)
	return checkSum(e, kind, hex.EncodeToString(sum[:]))
}

// contentErrorf returns an error that names a file and where its content is.
func contentErrorf(e *Entry, kind, format string, args ...any) error {
	return Errorf("%q in "+kind+" %q: "+format, append([]any{e.Name, e.Blob}, args...)...)
}

// writeEach writes the files that have a content, which is checked and in memory.
func writeEach(write writeFunc, files []*Entry, data []byte) error {
	for _, e := range files {
		err := write(e, func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
