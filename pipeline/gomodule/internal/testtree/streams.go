package testtree

import (
	"math/rand/v2"
	"strings"
)

// Noise is content that does not get smaller.
func Noise(seed uint64, size int) string {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	return string(b)
}

// StreamSample has a content that is too large for memory three times, one of
// a small file twice, and names whose order is not that of their folders.
func StreamSample() []Node {
	large := strings.Repeat(Noise(1, 1000), 1200)
	return []Node{
		{Name: "a/"},
		{Name: "a/b", Content: "in a folder"},
		{Name: "a-b", Content: "before the folder's files"},
		{Name: "a.c/"},
		{Name: "a.c/large", Content: large},
		{Name: "empty", Content: ""},
		{Name: "large", Content: large, Perm: 0o755},
		{Name: "last", Content: strings.Repeat("end", 100)},
		{Name: "same", Content: "in a folder"},
		{Name: "tail/"},
		{Name: "tail/empty", Content: ""},
		{Name: "tail/large", Content: large},
		{Name: "ünïcode ß 文", Content: "text"},
	}
}
