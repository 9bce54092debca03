package embed_util

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sort"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	// smallBytes is the content size up to which a blob is decoded in one
	// piece in memory. Larger ones are streamed.
	smallBytes = 1 << 20

	// minWindow is granted to every frame: packers that do not know a
	// content's size in advance announce this much.
	minWindow = 8 << 20

	// maxWindow is the most that one decoder may hold.
	maxWindow = 128 << 20
)

// workers is how many files are handled at a time.
func workers() int {
	return min(runtime.GOMAXPROCS(0), 16)
}

// blobs are contents that have a file each. It may be used concurrently.
type blobs struct {
	fsys    fs.FS
	once    sync.Once
	small   *zstd.Decoder // for DecodeAll, which is concurrent
	err     error
	streams sync.Pool // of *zstd.Decoder
}

func newBlobs(fsys fs.FS) *blobs {
	return &blobs{fsys: fsys}
}

func (b *blobs) close() {
	if b.small != nil {
		b.small.Close()
	}
	for {
		d, _ := b.streams.Get().(*zstd.Decoder)
		if d == nil {
			return
		}
		d.Close()
	}
}

func (b *blobs) writeAll(ctx context.Context, _ *os.Root, files []*entry, write writeFunc) error {
	// The largest first: a large one that comes last keeps one core busy
	// while the others have nothing left.
	files = append([]*entry(nil), files...)
	sort.SliceStable(files, func(i, j int) bool { return files[i].size > files[j].size })
	return parallel(ctx, len(files), func(i int) error {
		return write(files[i], func(w io.Writer) error {
			_, err := b.writeTo(w, files[i])
			return err
		})
	})
}

func (b *blobs) sumOf(e *entry) (string, error) {
	if e.sum != "" {
		return e.sum, nil
	}
	return b.writeTo(io.Discard, e)
}

// writeTo writes an entry's checked content to w and returns its sha256.
func (b *blobs) writeTo(w io.Writer, e *entry) (string, error) {
	return checked(w, e, "blob", func(w io.Writer) error { return b.decode(w, e) })
}

// decode writes at most one byte more than the entry's size.
func (b *blobs) decode(w io.Writer, e *entry) error {
	f, err := b.fsys.Open(e.blob)
	if err != nil {
		return err
	}
	defer f.Close()
	switch e.codec {
	case codecZstd:
		if e.size <= smallBytes {
			return b.decodeSmall(w, f, e.size)
		}
		return b.decodeStream(w, f, e.size)
	case codecGzip:
		gz, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		defer gz.Close()
		return copyLimit(w, gz, e.size)
	default:
		return copyLimit(w, f, e.size)
	}
}

// copyLimit copies, but no further than one byte past size: enough for the
// size check to see that there is too much.
func copyLimit(w io.Writer, r io.Reader, size int64) error {
	_, err := io.Copy(w, io.LimitReader(r, size+1))
	return err
}

func (b *blobs) decodeSmall(w io.Writer, r io.Reader, size int64) error {
	b.once.Do(func() {
		b.small, b.err = zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(workers()),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow),
			zstd.WithDecodeAllCapLimit(true))
	})
	if b.err != nil {
		return b.err
	}
	// zstd never makes content longer than this.
	src, err := io.ReadAll(io.LimitReader(r, smallBytes+smallBytes/64+1024))
	if err != nil {
		return err
	}
	dst, err := b.small.DecodeAll(src, make([]byte, 0, size))
	if err != nil {
		return err
	}
	_, err = w.Write(dst)
	return err
}

func (b *blobs) decodeStream(w io.Writer, r io.Reader, size int64) error {
	br := bufio.NewReaderSize(r, 64<<10)
	if err := checkWindow(br, size); err != nil {
		return err
	}
	d, _ := b.streams.Get().(*zstd.Decoder)
	if d == nil {
		var err error
		d, err = zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
	}
	if err := d.Reset(br); err != nil {
		d.Close()
		return err
	}
	err := copyLimit(w, d, size)
	_ = d.Reset(nil) // lets go of br
	b.streams.Put(d)
	return err
}

// checkWindow refuses a frame that asks for more memory than a content of that
// size can need.
func checkWindow(br *bufio.Reader, size int64) error {
	start, err := br.Peek(zstd.HeaderMaxSize)
	if err != nil && err != io.EOF {
		return err
	}
	var h zstd.Header
	if err := h.Decode(start); err != nil {
		return err
	}
	allowed := uint64(minWindow)
	for allowed < uint64(size) && allowed < maxWindow {
		allowed *= 2
	}
	if h.WindowSize > allowed && !h.SingleSegment {
		return fmt.Errorf("asks for a window of %d bytes, %d are allowed for its size", h.WindowSize, allowed)
	}
	return nil
}
