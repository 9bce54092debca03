package extract

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// FuzzExtract writes what manifests ask for, and looks around afterwards.
func FuzzExtract(f *testing.F) {
	links := []testtree.Node{{Name: "d/"}, {Name: "d/f"}, {Name: "l", Target: "d/f"}, {Name: "m", Target: "d"}}
	text, err := os.ReadFile(filepath.Join(testpayload.Pack(f, links), payload.ManifestName))
	testtree.Must(f, err)
	// Without hashes, so that changes are accepted more often.
	old := []byte(`{"contentHash":"x","files":[{"name":"d","perm":2147484141},{"name":"d/f","perm":420},{"name":"l","perm":134218239,"symlink":"d/f"}]}`)
	testtree.AddNonsense(f, 500, [][]byte{text, old})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := payload.Parse(data)
		if err != nil || len(m.Entries) > 50 {
			return
		}
		blobs := fstest.MapFS{payload.EmptySum[:32]: &fstest.MapFile{}}
		if m.Stream != "" {
			blobs[m.Stream] = &fstest.MapFile{}
		}
		for i := range m.Entries {
			if e := &m.Entries[i]; e.IsRegular() && e.Sum == "" {
				blobs[e.Blob] = &fstest.MapFile{}
			}
		}
		for name, copies := range map[string]bool{"links": false, "copies": true} {
			plan, err := payload.TreeEntries(m, copies)
			if err != nil {
				continue
			}
			base := t.TempDir()
			from := payload.NewSource(blobs, m)
			_ = populate(t.Context(), filepath.Join(base, name), plan, from, nil)
			from.Close()
			if files, err := os.ReadDir(base); err != nil || len(files) != 1 || files[0].Name() != name {
				t.Errorf("written outside: %v, %v", files, err)
			}
			testtree.Must(t, filepath.WalkDir(filepath.Join(base, name), func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type()&fs.ModeSymlink != 0 {
					if to, err := filepath.EvalSymlinks(path); err == nil && !strings.HasPrefix(to, base) {
						t.Errorf("%s leads to %s", path, to)
					}
				}
				return err
			}))
		}
	})
}

func FuzzMarker(f *testing.F) {
	m := marker{key: payload.EmptySum, boot: "b", entries: []markerEntry{{name: ".", dir: true}, {name: "a/b", FileStat: osfs.FileStat{Mode: 1, Owner: 6, Size: 2, MTime: 3, CTime: 4, Inode: 5}}}}
	testtree.AddNonsense(f, 500, [][]byte{m.encode()})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMarker(data)
		if err == nil && !bytes.Equal(m.encode(), data) {
			again, err := decodeMarker(m.encode())
			if err != nil || !again.equal(m) {
				t.Errorf("does not survive a round trip: %v", err)
			}
		}
	})
}

// FuzzStream reads anything in the place of a stream.
func FuzzStream(f *testing.F) {
	nodes := []testtree.Node{{Name: "a", Content: strings.Repeat("a", 300)}, {Name: "b", Content: ""}, {Name: "c", Content: "cc"}, {Name: "d", Content: "cc"}}
	packed := testpayload.Pack(f, nodes, payload.PackOptions{Layout: payload.LayoutStream})
	data, err := os.ReadFile(testpayload.StreamFile(f, packed))
	testtree.Must(f, err)
	text, err := os.ReadFile(filepath.Join(packed, payload.ManifestName))
	testtree.Must(f, err)
	m, err := payload.Parse(text)
	testtree.Must(f, err)
	want := testtree.Of(f, nodes)
	inputs := 50
	if testing.Short() {
		inputs = 20
	}
	testtree.AddNonsense(f, 3*inputs, [][]byte{data, data[:len(data)-3], append(slices.Clone(data), data...)}, true)
	testtree.AddNonsense(f, inputs, [][]byte{testpayload.Unzstd(f, data), {}}, false)
	f.Fuzz(func(t *testing.T, data []byte, compressed bool) {
		fsys := fstest.MapFS{}
		one := *m
		one.Stream = strings.TrimSuffix(m.Stream, ".zst")
		if compressed {
			one.Stream = m.Stream
		}
		fsys[one.Stream] = &fstest.MapFile{Data: data}
		dir := filepath.Join(t.TempDir(), "tree")
		from := payload.NewSource(fsys, &one)
		defer from.Close()
		switch err := populate(t.Context(), dir, one.Entries, from, nil); {
		case err != nil && !errors.Is(err, payload.ErrManifest):
			t.Errorf("does not match ErrManifest: %v", err)
		case err == nil && testtree.Dump(t, dir) != want:
			t.Errorf("extracted:\n%s", testtree.Dump(t, dir))
		}
		testtree.Must(t, filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
			if rel, _ := filepath.Rel(filepath.Dir(dir), path); err == nil && rel != "." && !strings.HasPrefix(rel, "tree") {
				t.Errorf("written outside: %s", path)
			}
			return err
		}))
	})
}
