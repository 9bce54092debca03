package testtree

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// tokens are what decides in manifests, names and frames.
var tokens = [][]byte{
	[]byte("../"), []byte("/"), []byte(`\\`), []byte("-1"), []byte("99999999999999999999"), []byte(`"`), []byte(`"a"`),
	[]byte("null"), []byte("[]"), []byte("{}"), {0}, {0xff, 0xff, 0xff, 0xff},
}

// AddNonsense adds each seed, and n changes of it, to what a fuzz test runs in any case: without
// instrumented code, which takes a minute to compile. They are the same in each run.
func AddNonsense(f *testing.F, n int, seeds [][]byte, more ...any) {
	f.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for _, seed := range seeds {
		f.Add(append([]any{seed}, more...)...)
		for range n {
			f.Add(append([]any{changed(r, seed)}, more...)...)
		}
	}
}

// changed returns data with one to three changes.
func changed(r *rand.Rand, data []byte) []byte {
	data = bytes.Clone(data)
	for range 1 + r.IntN(3) {
		if len(data) == 0 {
			return data
		}
		at := r.IntN(len(data))
		end := at + r.IntN(min(len(data)-at, 40)+1)
		switch r.IntN(5) {
		case 0:
			data[at] ^= 1 << r.IntN(8)
		case 1:
			data = slices.Delete(data, at, end)
		case 2:
			data = slices.Insert(data, at, bytes.Clone(data[at:end])...)
		case 3:
			data = slices.Replace(data, at, end, tokens[r.IntN(len(tokens))]...)
		case 4:
			other := r.IntN(len(data))
			copy(data[other:], bytes.Clone(data[at:end]))
		}
	}
	return data
}
