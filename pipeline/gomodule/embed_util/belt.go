package embed_util

import (
	"io"
	"sync/atomic"
)

// beltBytes and beltBuffers are how much a belt carries, and in how many parts.
const (
	beltBytes   = 512 << 10
	beltBuffers = 4
)

// belt carries bytes from the goroutine that decodes them to one that checks
// and writes them. The largest content keeps one core busy when there is
// nothing left for the others, and this takes a quarter off its time.
type belt struct {
	buf    []byte // being filled
	full   chan []byte
	free   chan []byte
	failed atomic.Bool
}

// onBelt has decode write to a belt, and what it writes is written to w. An
// error of w goes before one of decode.
func onBelt(w io.Writer, decode func(w io.Writer) error) error {
	if workers() == 1 {
		return decode(w)
	}
	b := newBelt()
	done := b.unload(w)
	err := decode(b)
	if err == nil {
		b.full <- b.buf
	}
	close(b.full)
	if failed := <-done; failed != nil {
		return failed
	}
	return err
}

func newBelt() *belt {
	b := &belt{full: make(chan []byte, beltBuffers), free: make(chan []byte, beltBuffers)}
	for range beltBuffers {
		b.free <- make([]byte, 0, beltBytes/beltBuffers)
	}
	b.buf = <-b.free
	return b
}

// unload writes everything to w. It goes on taking buffers after an error, so
// that nobody waits for one.
func (b *belt) unload(w io.Writer) <-chan error {
	done := make(chan error, 1)
	go func() {
		var err error
		for buf := range b.full {
			if err == nil {
				_, err = w.Write(buf)
				b.failed.Store(err != nil)
			}
			b.free <- buf[:0]
		}
		done <- err
	}()
	return done
}

func (b *belt) Write(p []byte) (int, error) {
	for n := 0; ; {
		room := min(cap(b.buf)-len(b.buf), len(p)-n)
		b.buf = append(b.buf, p[n:n+room]...)
		if n += room; n == len(p) {
			return n, nil
		}
		b.full <- b.buf
		if b.buf = <-b.free; b.failed.Load() {
			return n, io.ErrClosedPipe // onBelt returns the cause
		}
	}
}
