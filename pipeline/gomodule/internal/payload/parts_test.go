package payload

import "testing"

func TestOneDecoderForLargeContents(t *testing.T) {
	for _, each := range []struct {
		sizes   []int64 // in KiB
		workers int
		want    int
	}{
		{[]int64{30_000, 1500, 1200, 1000, 2}, 2, 3}, // not what is decoded in memory
		{[]int64{30_000, 2000, 1800, 1200, 2}, 2, 2}, // an eighth of the first in all
		{[]int64{30_000, 20_000, 1500}, 2, 1},
		{[]int64{30_000, 1500, 1200}, 8, 1},
		{[]int64{5, 3, 2}, 2, 1},
		{[]int64{30_000}, 2, 1},
		{nil, 2, 0},
	} {
		var files []*Entry
		for _, size := range each.sizes {
			files = append(files, &Entry{Size: size << 10})
		}
		if got := oneDecoder(files, each.workers); got != each.want {
			t.Errorf("%d of %v together by %d workers, want %d", got, each.sizes, each.workers, each.want)
		}
	}
}
