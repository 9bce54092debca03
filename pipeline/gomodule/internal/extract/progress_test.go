package extract

import (
	"testing"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

func TestProgress(t *testing.T) { testpayload.EachLayout(t, testProgress) }

func testProgress(t *testing.T, opts ...payload.PackOptions) {
	testtree.OwnPlaces(t)
	nodes := testtree.Sample()
	want := int64(0)
	for _, n := range nodes {
		want += int64(len(n.Content))
	}
	packed := testpayload.Pack(t, nodes, opts...)
	var calls int
	var last int64
	o := Options{Progress: func(done, total int64) {
		calls++
		if done <= last || done > total || total < want {
			t.Errorf("%d of %d after %d", done, total, last)
		}
		last = done
		if done == total {
			want = 0
		}
	}}
	start(t, packed, o)
	if calls < 2 || want != 0 {
		t.Errorf("%d calls, the last with %d", calls, last)
	}
	calls = 0
	if start(t, packed, o); calls > 0 {
		t.Errorf("%d calls when nothing is extracted", calls)
	}
}
