package payload

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

const (
	// minWindow is granted to every frame: packers that do not know a
	// content's size in advance announce this much.
	minWindow = 8 << 20

	// maxWindow is the most that one decoder may hold.
	maxWindow = 128 << 20
)

// decodeStream decodes a content that is too large for one piece of memory.
func (d *decoders) decodeStream(w io.Writer, r io.Reader, size int64) error {
	br := bufio.NewReaderSize(r, 64<<10)
	window, err := checkWindow(br, size)
	if err != nil {
		return err
	}
	z, _ := d.streams.Get().(*zstd.Decoder)
	if z == nil {
		z, err = zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true),
			zstd.IgnoreChecksum(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
	}
	if err := z.Reset(io.MultiReader(bytes.NewReader(widerFrame(window, size)), br)); err != nil {
		z.Close()
		return err
	}
	_, err = z.WriteTo(w)
	_ = z.Reset(nil) // lets go of br
	d.streams.Put(z)
	return err
}

// checkWindow refuses a frame that asks for more memory than a content of that
// size can need. It returns the frame's window in bytes, 0 for a frame that
// says it is one segment.
func checkWindow(br *bufio.Reader, size int64) (uint64, error) {
	start, err := br.Peek(zstd.HeaderMaxSize)
	if err != nil && err != io.EOF {
		return 0, err
	}
	var h zstd.Header
	if err := h.Decode(start); err != nil {
		return 0, err
	}
	if h.SingleSegment {
		return 0, nil
	}
	allowed := uint64(minWindow)
	for allowed < uint64(size) && allowed < maxWindow {
		allowed *= 2
	}
	if h.WindowSize > allowed {
		return 0, fmt.Errorf("asks for a window of %d bytes, %d are allowed for its size", h.WindowSize, allowed)
	}
	return h.WindowSize, nil
}

// windowError says what a decoder means that was made for windows of at most that size.
func windowError(err error, allowed int) error {
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return fmt.Errorf("asks for a window of more than the %d bytes that are allowed: %w", allowed, err)
	}
	return err
}

// widerFrame returns an empty frame that makes a decoder faster which decodes
// it first. A decoder that saves memory holds the window and 1 MiB, so that it
// moves a whole window for every MiB. It keeps what it holds for the next
// frame, and this one asks for a quarter more than the window, so that it moves
// the window four times less. It returns nothing where nothing has to be moved.
func widerFrame(window uint64, size int64) []byte {
	if window == 0 || uint64(size) <= window {
		return nil
	}
	wide := min(window+window/4, uint64(size))
	log := bits.Len64(wide) - 1
	eighths := (wide - 1<<log + 1<<(log-3) - 1) >> (log - 3)
	log, eighths = log+int(eighths>>3), eighths&7
	if 1<<log+eighths<<(log-3) > maxWindow {
		return nil
	}
	const lastRawBlock = 1 // of size 0
	return []byte{0x28, 0xb5, 0x2f, 0xfd, 0, byte((log-10)<<3) | byte(eighths), lastRawBlock, 0, 0}
}
