package payload

import "sync"

// keptBytes is the most content that is held between its hashing and its compression.
const keptBytes = 32 << 20

// keptContents are contents that were read for their hashes, so that they need not be read
// and hashed once more. Nil keeps nothing. It may be used concurrently.
type keptContents struct {
	mu    sync.Mutex
	room  int // in bytes
	bySum map[string][]byte
}

func newKeptContents(room int) *keptContents {
	return &keptContents{room: room, bySum: make(map[string][]byte)}
}

// keep holds a content if there is room for it.
func (k *keptContents) keep(sum string, data []byte) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.bySum[sum] == nil && len(data) <= k.room {
		k.bySum[sum] = data
		k.room -= len(data)
	}
}

// take lets go of a content and returns it, nil if it was not kept.
func (k *keptContents) take(sum string) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	data := k.bySum[sum]
	delete(k.bySum, sum)
	return data
}
