package payload

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
)

// pendingContent is a content in memory and the files it belongs to.
type pendingContent struct {
	at    int // its index in the stream
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
	pool := &writerPool{write: write, pending: make(chan pendingContent), free: make(chan []byte, n+1)}
	for range n {
		pool.wg.Add(1)
		go pool.work()
	}
	for range cap(pool.free) { // one more, for what is being decoded
		pool.free <- nil
	}
	return pool
}

// buffer waits until a buffer is free.
func (pool *writerPool) buffer(size int) []byte {
	return slices.Grow((<-pool.free)[:0], size)[:size]
}

// submit hands over a content, and the buffer it is in.
func (pool *writerPool) submit(c pendingContent) { pool.pending <- c }

func (pool *writerPool) work() {
	defer pool.wg.Done()
	for c := range pool.pending {
		if at, err := pool.failure(); err == nil || c.at < at {
			pool.fail(c.at, pool.writeFiles(c))
		}
		if c.data != nil {
			pool.free <- c.data
		}
	}
}

func (pool *writerPool) writeFiles(c pendingContent) error {
	if len(c.files) == 0 {
		return nil
	}
	sum := sha256.Sum256(c.data)
	if e := c.files[0]; hex.EncodeToString(sum[:]) != e.Sum {
		return contentErrorf(e, "stream", "sha256 is %x, the manifest says %s", sum, e.Sum)
	}
	return writeEach(pool.write, c.files, c.data)
}

// fail records an error unless an earlier content has one.
func (pool *writerPool) fail(at int, err error) {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if err != nil && (pool.err == nil || at < pool.at) {
		pool.at, pool.err = at, err
	}
}

func (pool *writerPool) failure() (at int, err error) {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	return pool.at, pool.err
}

// wait waits until everything is written, and returns what was recorded.
func (pool *writerPool) wait() error {
	close(pool.pending)
	pool.wg.Wait()
	return pool.err
}
