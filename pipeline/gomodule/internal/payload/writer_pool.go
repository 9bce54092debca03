package payload

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"sync"
)

// pendingContent is a content in memory and the files it belongs to.
type pendingContent struct {
	at    int // its place in the stream
	data  []byte
	files []*Entry
}

// writerPool are goroutines that check contents and write files while the next
// content is being decoded. They bound how many contents are in memory.
type writerPool struct {
	write   writeFunc
	pending chan pendingContent
	free    chan []byte
	wg      sync.WaitGroup

	mu  sync.Mutex
	at  int
	err error // the first in the stream's order, which may cause later ones
}

func newWriterPool(write writeFunc) *writerPool {
	n := workers()
	h := &writerPool{write: write, pending: make(chan pendingContent), free: make(chan []byte, n+1)}
	for range n {
		h.wg.Add(1)
		go h.work()
	}
	for range cap(h.free) { // one more, for what is being decoded
		h.free <- nil
	}
	return h
}

// buffer waits until a buffer is free.
func (h *writerPool) buffer(size int) []byte {
	return slices.Grow((<-h.free)[:0], size)[:size]
}

// submit hands over a content, and the buffer it is in.
func (h *writerPool) submit(c pendingContent) { h.pending <- c }

func (h *writerPool) work() {
	defer h.wg.Done()
	for c := range h.pending {
		if at, err := h.failure(); err == nil || c.at < at {
			h.fail(c.at, h.writeFiles(c))
		}
		if c.data != nil {
			h.free <- c.data
		}
	}
}

func (h *writerPool) writeFiles(c pendingContent) error {
	if len(c.files) == 0 {
		return nil
	}
	sum := sha256.Sum256(c.data)
	if e := c.files[0]; hex.EncodeToString(sum[:]) != e.Sum {
		return contentErrorf(e, "stream", "sha256 is %x, the manifest says %s", sum, e.Sum)
	}
	for _, e := range c.files {
		err := h.write(e, func(w io.Writer) error {
			_, err := w.Write(c.data)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fail records an error unless an earlier content has one.
func (h *writerPool) fail(at int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil && (h.err == nil || at < h.at) {
		h.at, h.err = at, err
	}
}

func (h *writerPool) failure() (at int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at, h.err
}

// wait waits until everything is written, and returns what was recorded.
func (h *writerPool) wait() error {
	close(h.pending)
	h.wg.Wait()
	return h.err
}
