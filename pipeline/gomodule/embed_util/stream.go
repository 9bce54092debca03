package embed_util

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

// stream is contents that stand one after the other in one file. It is decoded
// from the beginning by every writeAll, and no further than needed.
type stream struct {
	fsys  fs.FS
	name  string
	order []*entry // the first entry of every content, in the file's order
}

func (s *stream) sumOf(e *entry) (string, error) { return e.sum, nil }

func (s *stream) close() {}

func (s *stream) writeAll(ctx context.Context, t *tree, files []*entry, write writeFunc) error {
	wanted := make(map[string][]*entry, len(files))
	for _, e := range files {
		wanted[e.sum] = append(wanted[e.sum], e)
	}
	end := 0 // where the contents after the last one that is wanted begin
	for i, first := range s.order {
		if len(wanted[first.sum]) > 0 {
			end = i + 1
		}
	}
	h := newHands(write)
	h.give(held{at: -1, files: wanted[emptySum]})
	if end > 0 || len(s.order) == 0 {
		at, err := s.read(ctx, t, wanted, end, h)
		h.fail(at, err)
	}
	return h.end()
}

// read goes through the contents before end. It returns the first error and
// at which content it happened.
func (s *stream) read(ctx context.Context, t *tree, wanted map[string][]*entry, end int, h *hands) (at int, err error) {
	r, closeAll, err := s.open()
	if err != nil {
		return 0, s.errorf(0, err)
	}
	defer closeAll()
	for i, first := range s.order[:end] {
		if _, err := h.failure(); err != nil {
			return i, nil
		}
		if err := ctx.Err(); err != nil {
			return i, err
		}
		files := wanted[first.sum]
		switch {
		case len(files) == 0:
			err = s.errorf(i, readExactly(io.Discard, r, first.size))
		case first.size <= smallBytes:
			data := h.buffer(int(first.size))
			if _, err := io.ReadFull(r, data); err != nil {
				return i, s.errorf(i, shortError(err))
			}
			h.give(held{i, data, files})
		default:
			err = writeLarge(t, r, files, h.write)
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
	if i < 0 || i >= len(s.order) {
		return payloadErrorf("stream %q: %w", s.name, err) // no file has content
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
// first of files while it is read, and from there to the others.
func writeLarge(t *tree, r io.Reader, files []*entry, write writeFunc) error {
	err := write(files[0], func(w io.Writer) error {
		_, err := checked(w, files[0], "stream", func(w io.Writer) error {
			return readExactly(w, r, files[0].size)
		})
		return err
	})
	for _, e := range files[1:] {
		if err != nil {
			return err
		}
		err = write(e, func(w io.Writer) error { return copyWritten(w, t, files[0].name, e) })
	}
	return err
}

// copyWritten writes an entry's content from a file of the tree that has it.
func copyWritten(w io.Writer, t *tree, name string, e *entry) error {
	f, err := t.read(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = checked(w, e, "stream", func(w io.Writer) error {
		if err := readExactly(w, f, e.size); err != nil {
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
