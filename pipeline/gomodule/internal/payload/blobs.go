package payload

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"sort"
)

// workers is how many files are handled at a time.
func workers() int {
	return min(runtime.GOMAXPROCS(0), 16)
}

// blobs are contents that have a file each. It may be used concurrently.
type blobs struct {
	decoders
	fsys fs.FS
}

func newBlobs(fsys fs.FS) *blobs { return &blobs{fsys: fsys} }

func (b *blobs) WriteAll(ctx context.Context, files []*Entry, write writeFunc, _ openFunc) error {
	// The large ones first: one that comes last keeps one core busy while the
	// others have nothing left. The others stay with those of their folder.
	files = append([]*Entry(nil), files...)
	sort.SliceStable(files, func(i, j int) bool { return files[i].Size > max(files[j].Size, smallBytes) })
	n := oneDecoder(files, workers())
	together, others := files[:n], files[n:]
	return Parallel(ctx, 1+len(others), func(i int) error {
		if i > 0 {
			e := others[i-1]
			return b.explain(e, b.write(e, write))
		}
		for _, e := range together {
			if err := b.explain(e, b.write(e, write)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *blobs) write(e *Entry, write writeFunc) error {
	if e.Size <= smallBytes && e.Codec != codecGzip {
		return b.writeSmall(e, write)
	}
	return write(e, func(w io.Writer) error {
		_, err := b.writeTo(w, e)
		return err
	})
}

// explain adds to an error that a blob is right but for its line ends: Git for Windows
// changes those of files without a NUL byte, which a compressed one may be.
func (b *blobs) explain(e *Entry, err error) error {
	if !errors.Is(err, ErrManifest) {
		return err
	}
	stored, readErr := fs.ReadFile(b.fsys, e.Blob)
	if readErr != nil || !bytes.Contains(stored, []byte("\r\n")) {
		return err
	}
	stored = bytes.ReplaceAll(stored, []byte("\r\n"), []byte("\n"))
	_, bad := checked(io.Discard, e, "blob", func(w io.Writer) error {
		return b.decodeFrom(w, bytes.NewReader(stored), e)
	})
	if bad != nil {
		return err
	}
	return fmt.Errorf("%w; only its line ends are wrong, which git has changed (core.autocrlf): "+
		"put a .gitattributes with the line \"* -text\" beside it and check it out again", err)
}

// writeSmall checks a content before it makes the file.
func (b *blobs) writeSmall(e *Entry, write writeFunc) error {
	return b.withScratch(func(s *scratch) error {
		data, err := b.readSmall(s, e)
		if err != nil {
			return contentErrorf(e, "blob", "%w", err)
		}
		if err := checkedAll(data, e, "blob"); err != nil {
			return err
		}
		return writeEach(write, []*Entry{e}, data)
	})
}

func (b *blobs) readSmall(s *scratch, e *Entry) ([]byte, error) {
	f, err := b.fsys.Open(e.Blob)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return b.decoders.read(s, f, e.Codec, e.Size)
}

func (b *blobs) SumOf(e *Entry) (string, error) {
	if e.Sum != "" {
		return e.Sum, nil
	}
	return b.writeTo(io.Discard, e)
}

// writeTo writes an entry's checked content to w and returns its sha256.
func (b *blobs) writeTo(w io.Writer, e *Entry) (string, error) {
	return checked(w, e, "blob", func(w io.Writer) error { return b.decode(w, e) })
}

func (b *blobs) decode(w io.Writer, e *Entry) error {
	f, err := b.fsys.Open(e.Blob)
	if err != nil {
		return err
	}
	defer f.Close()
	return b.decodeFrom(w, f, e)
}

func (b *blobs) decodeFrom(w io.Writer, stored io.Reader, e *Entry) error {
	switch e.Codec {
	case CodecZstd:
		return b.stream(w, stored, e.Size)
	case codecGzip:
		gz, err := gzip.NewReader(stored)
		if err != nil {
			return err
		}
		defer gz.Close()
		_, err = io.Copy(w, gz)
		return err
	default:
		_, err := io.Copy(w, stored)
		return err
	}
}
