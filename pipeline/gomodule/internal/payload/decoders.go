package payload

import (
	"bytes"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// smallBytes is the size up to which contents are decoded in one piece in memory. Larger
// ones are streamed.
const smallBytes = 1 << 20

// decoders are used by all goroutines of a Source.
type decoders struct {
	once    sync.Once
	small   *zstd.Decoder // for DecodeAll, which is concurrent
	err     error
	scratch sync.Pool // of *scratch
	streams sync.Pool // of *zstd.Decoder
}

// scratch is memory for one small frame at a time.
type scratch struct {
	stored  bytes.Buffer
	content []byte
}

// Close gives back the decoders' memory.
func (d *decoders) Close() {
	if d.small != nil {
		d.small.Close()
	}
	for {
		s, _ := d.streams.Get().(*zstd.Decoder)
		if s == nil {
			return
		}
		s.Close()
	}
}

// withScratch calls do with memory that nobody else uses meanwhile.
func (d *decoders) withScratch(do func(s *scratch) error) error {
	s, _ := d.scratch.Get().(*scratch)
	if s == nil {
		s = new(scratch)
	}
	defer d.scratch.Put(s)
	return do(s)
}

// slack is the room behind a content, in bytes, that lets the decoder use faster
// copies of fixed size.
const slack = 16

// read reads what is stored from r, and decodes it into s if it is compressed. What it
// returns may be a little longer than size.
func (d *decoders) read(s *scratch, r io.Reader, c codec, size int64) ([]byte, error) {
	// zstd never makes content longer than this.
	s.stored.Reset()
	_, err := s.stored.ReadFrom(io.LimitReader(r, size+size/64+1024))
	if err != nil || c == CodecRaw {
		return s.stored.Bytes(), err
	}
	d.once.Do(func() { d.small, d.err = newSmallDecoder() })
	if d.err != nil {
		return nil, d.err
	}
	s.content = slices.Grow(s.content[:0], int(size)+slack)
	content, err := d.small.DecodeAll(s.stored.Bytes(), s.content[:0:int(size)+slack])
	return content, windowError(err, maxWindow)
}

// newSmallDecoder makes a decoder that skips checksums of frames: every content has a
// sha256 that is compared.
func newSmallDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(workers()),
		zstd.WithDecoderLowmem(true),
		zstd.IgnoreChecksum(true),
		zstd.WithDecoderMaxWindow(maxWindow),
		zstd.WithDecodeAllCapLimit(true))
}

// stream decodes a content that is too large for one piece of memory.
func (d *decoders) stream(w io.Writer, r io.Reader, size int64) error {
	if size < asyncFrom {
		return d.decodeStream(w, r, size)
	}
	return writeAsync(w, func(w io.Writer) error {
		if file, parts := partsOf(r, size); parts != nil {
			return d.decodeParts(w, file, parts)
		}
		return d.decodeStream(w, r, size)
	})
}
