package payload

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// streamWindow is the most that a stream's frame may ask a decoder to hold.
const streamWindow = 8 << 20

// streamBlocks is how many blocks of 128 KiB are decoded ahead of what is
// written. It pays with a second core, and more than these do not.
const streamBlocks = 4

// stream is contents one after the other in one file. If they are not in frames, it is
// decoded from the beginning by every WriteAll, and no further than needed.
type stream struct {
	decoders
	fsys  fs.FS
	name  string
	order []*Entry // the first entry of every content, in the file's order
}

func newStream(fsys fs.FS, m *Manifest) *stream {
	return &stream{fsys: fsys, name: m.Stream, order: m.distinct()}
}

func (s *stream) SumOf(e *Entry) (string, error) { return e.Sum, nil }

func (s *stream) WriteAll(ctx context.Context, files []*Entry, write writeFunc, written openFunc) error {
	wanted := make(map[string][]*Entry, len(files))
	for _, e := range files {
		wanted[e.Sum] = append(wanted[e.Sum], e)
	}
	if f := s.openFramed(); f != nil {
		return f.writeAll(ctx, wanted, write, written)
	}
	end := 0 // where the contents after the last one that is wanted begin
	for i, first := range s.order {
		if len(wanted[first.Sum]) > 0 {
			end = i + 1
		}
	}
	pool := newWriterPool(write)
	pool.submit(pendingContent{at: -1, files: wanted[EmptySum]})
	if end > 0 || len(s.order) == 0 {
		at, err := s.read(ctx, written, wanted, end, pool)
		pool.fail(at, err)
	}
	return pool.wait()
}

// read goes through the contents before end. It returns the first error and
// at which content it happened.
func (s *stream) read(ctx context.Context, written openFunc, wanted map[string][]*Entry, end int, pool *writerPool) (at int, err error) {
	r, closeAll, err := s.open()
	if err != nil {
		return 0, s.errorf(0, err)
	}
	defer closeAll()
	for i, first := range s.order[:end] {
		if _, err := pool.failure(); err != nil {
			return i, nil
		}
		if err := ctx.Err(); err != nil {
			return i, err
		}
		files := wanted[first.Sum]
		switch {
		case len(files) == 0:
			err = s.errorf(i, readExactly(io.Discard, r, first.Size))
		case first.Size <= smallBytes:
			data := pool.buffer(int(first.Size))
			if _, err := io.ReadFull(r, data); err != nil {
				return i, s.errorf(i, shortError(err))
			}
			pool.submit(pendingContent{i, data, files})
		default:
			err = writeLarge(written, files, pool.write, func(w io.Writer) error {
				return readExactly(w, r, files[0].Size)
			})
		}
		if err != nil {
			return i, err
		}
	}
	if end < len(s.order) {
		return end, nil
	}
	n, err := io.ReadFull(r, make([]byte, 1))
	switch {
	case n > 0:
		return end, s.errorf(end-1, errors.New("the stream goes on after the last content"))
	case err != io.EOF:
		return end, s.errorf(end-1, err)
	}
	return end, nil
}

// errorf names the file at whose content err happened.
func (s *stream) errorf(i int, err error) error {
	if err == nil {
		return nil
	}
	err = windowError(err, streamWindow)
	if i < 0 || i >= len(s.order) {
		return Errorf("stream %q: %w", s.name, err) // no file has content
	}
	return contentErrorf(s.order[i], "stream", "%w", err)
}

// open returns the uncompressed bytes.
func (s *stream) open() (io.Reader, func(), error) {
	f, err := s.fsys.Open(s.name)
	if err != nil {
		return nil, nil, err
	}
	if !strings.HasSuffix(s.name, zstdSuffix) {
		return f, func() { f.Close() }, nil
	}
	ahead := streamBlocks
	if workers() == 1 {
		ahead = 1 // nothing is
	}
	d, err := zstd.NewReader(bufio.NewReaderSize(f, 64<<10),
		zstd.WithDecoderConcurrency(ahead),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(streamWindow))
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return d, func() {
		d.Close()
		f.Close()
	}, nil
}

// writeLarge writes a content that is too large to be held in memory to the
// first of files while it is decoded, and from there to the others.
func writeLarge(written openFunc, files []*Entry, write writeFunc, decode func(w io.Writer) error) error {
	err := write(files[0], func(w io.Writer) error {
		_, err := checked(w, files[0], "stream", decode)
		return err
	})
	for _, e := range files[1:] {
		if err != nil {
			return err
		}
		err = write(e, func(w io.Writer) error { return copyWritten(w, written, files[0].Name, e) })
	}
	return err
}

// copyWritten writes an entry's content from a file of the tree that has it.
func copyWritten(w io.Writer, written openFunc, name string, e *Entry) error {
	f, err := written(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = checked(w, e, "stream", func(w io.Writer) error {
		if err := readExactly(w, f, e.Size); err != nil {
			return &writeError{err} // the tree's fault
		}
		return nil
	})
	return err
}

// readExactly copies size bytes; fewer are an error.
func readExactly(w io.Writer, r io.Reader, size int64) error {
	_, err := io.CopyN(w, r, size)
	return shortError(err)
}

// shortError makes clear that an end is one too early.
func shortError(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
