package payload

import (
	"io"
	"sync/atomic"
)

// asyncBytes and asyncBuffers are how much a belt carries, and in how many parts.
const (
	asyncBytes   = 512 << 10
	asyncBuffers = 4
)

// asyncFrom is the size from which on a content keeps a core busy long enough for a belt, whose
// buffers are memory too.
const asyncFrom = 4 << 20

// asyncWriter carries bytes from the goroutine that decodes them to one that checks
// and writes them. The largest content keeps one core busy when there is
// nothing left for the others, and this takes a quarter off its time.
type asyncWriter struct {
	buf    []byte // being filled
	full   chan []byte
	free   chan []byte
	failed atomic.Bool
}

// writeAsync has decode write to a belt, and what it writes is written to w. An
// error of w goes before one of decode.
func writeAsync(w io.Writer, decode func(w io.Writer) error) error {
	if workers() == 1 {
		return decode(w)
	}
	b := newAsyncWriter()
	done := b.drain(w)
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

func newAsyncWriter() *asyncWriter {
	b := &asyncWriter{full: make(chan []byte, asyncBuffers), free: make(chan []byte, asyncBuffers)}
	for range asyncBuffers {
		b.free <- make([]byte, 0, asyncBytes/asyncBuffers)
	}
	b.buf = <-b.free
	return b
}

// drain writes everything to w. It goes on taking buffers after an error, so
// that nobody waits for one.
func (b *asyncWriter) drain(w io.Writer) <-chan error {
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

func (b *asyncWriter) Write(p []byte) (int, error) {
	for n := 0; ; {
		room := min(cap(b.buf)-len(b.buf), len(p)-n)
		b.buf = append(b.buf, p[n:n+room]...)
		if n += room; n == len(p) {
			return n, nil
		}
		b.full <- b.buf
		if b.buf = <-b.free; b.failed.Load() {
			return n, io.ErrClosedPipe // writeAsync returns the cause
		}
	}
}
