package extract

import (
	"fmt"
	"os"
	"testing"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// BenchmarkWarm measures a start that finds 1000 files in place.
func BenchmarkWarm(b *testing.B) {
	testtree.OwnPlaces(b)
	var nodes []testtree.Node
	for i := range 40 {
		dir := fmt.Sprintf("lib/python3.14/pkg%02d/", i)
		nodes = append(nodes, testtree.Node{Name: dir})
		for k := range 25 {
			nodes = append(nodes, testtree.Node{Name: fmt.Sprintf("%sm%02d.py", dir, k), Content: fmt.Sprint(i, k)})
		}
	}
	packed := testpayload.Pack(b, nodes)
	e, err := openNamed(os.DirFS(packed), "bench")
	if err != nil {
		b.Fatal(err)
	}
	for _, one := range []struct {
		name string
		do   func() error
	}{
		{"start", func() error {
			_, err := openNamed(os.DirFS(packed), "bench")
			return err
		}},
		{"look", func() error {
			if seen := inspect(&e.at.loc, e.pl.Key); !seen.good(e.pl.Key) {
				return fmt.Errorf("not good")
			}
			return nil
		}},
		{"marker", func() error {
			_, err := readMarker(e.at.loc.markerPath())
			return err
		}},
		{"head", func() error {
			_, err := payload.Open(os.DirFS(packed))
			return err
		}},
	} {
		b.Run(one.name, func(b *testing.B) {
			for b.Loop() {
				if err := one.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
