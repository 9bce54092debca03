package embed_util

import (
	"fmt"
	"os"
	"testing"
)

// BenchmarkWarm measures a start that finds 1000 files in place.
func BenchmarkWarm(b *testing.B) {
	ownPlaces(b)
	var nodes []node
	for i := range 40 {
		dir := fmt.Sprintf("lib/python3.14/pkg%02d/", i)
		nodes = append(nodes, node{name: dir})
		for k := range 25 {
			nodes = append(nodes, node{name: fmt.Sprintf("%sm%02d.py", dir, k), content: fmt.Sprint(i, k)})
		}
	}
	payload := pack(b, nodes)
	e, err := NewEmbeddedFiles(os.DirFS(payload), "bench")
	if err != nil {
		b.Fatal(err)
	}
	for _, one := range []struct {
		name string
		do   func() error
	}{
		{"start", func() error {
			_, err := NewEmbeddedFiles(os.DirFS(payload), "bench")
			return err
		}},
		{"look", func() error {
			if v := lookAt(&e.at.place, e.pl.key); !v.good(e.pl.key) {
				return fmt.Errorf("not good")
			}
			return nil
		}},
		{"marker", func() error {
			_, err := readMarker(e.at.place.markerPath())
			return err
		}},
		{"head", func() error {
			_, err := openPayload(os.DirFS(payload))
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
