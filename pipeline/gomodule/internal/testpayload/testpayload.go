// Package testpayload packs trees for tests.
package testpayload

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testtree"
)

// layouts are the ways to pack.
var layouts = map[string][]payload.PackOptions{
	"blobs": nil, "stream": {{Layout: payload.LayoutStream}}, "frames": {{Layout: payload.LayoutFrames}},
}

// EachLayout runs a test with payloads of every layout.
func EachLayout(t *testing.T, test func(t *testing.T, opts ...payload.PackOptions)) {
	for name, opts := range layouts {
		t.Run(name, func(t *testing.T) { test(t, opts...) })
	}
}

// Pack packs nodes, as blobs by default, and returns the directory of the
// payload.
func Pack(t testing.TB, nodes []testtree.Node, opts ...payload.PackOptions) string {
	t.Helper()
	if len(opts) == 0 {
		opts = []payload.PackOptions{{Layout: payload.LayoutBlobs}}
	}
	out := filepath.Join(t.TempDir(), "out")
	key := packedTree{opts[0].Layout, sha256.Sum256(fmt.Append(nil, nodes))}
	made, ok := packed.Load(key)
	if !ok {
		pack(t, out, nodes, opts)
		if opts[0].Executable != nil {
			return out
		}
		files := map[string][]byte{}
		for _, path := range testtree.RegularFiles(t, out) {
			data, err := os.ReadFile(path)
			testtree.Must(t, err)
			files[filepath.Base(path)] = data
		}
		packed.Store(key, files)
		return out
	}
	testtree.Must(t, os.Mkdir(out, 0o755))
	for name, data := range made.(map[string][]byte) {
		testtree.Must(t, os.WriteFile(filepath.Join(out, name), data, 0o644))
	}
	return out
}

// packed has the files of what was packed: an encoder has tables of some 100 MB, and to make it
// takes much longer than to pack a small tree, above all with the race detector.
var packed sync.Map

type packedTree struct {
	layout payload.Layout
	nodes  [sha256.Size]byte
}

func pack(t testing.TB, out string, nodes []testtree.Node, opts []payload.PackOptions) {
	t.Helper()
	src := filepath.Join(t.TempDir(), "src")
	if err := os.Mkdir(src, 0o755); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		testtree.Make(t, src, nodes)
		testtree.Must(t, payload.Pack(out, src, testtree.One(opts)))
		return
	}
	// A payload with symlinks, which comes from another system.
	isLink := func(n testtree.Node) bool { return n.Target != "" }
	testtree.Make(t, src, slices.DeleteFunc(slices.Clone(nodes), isLink))
	testtree.Must(t, payload.Pack(out, src, testtree.One(opts)))
	path := filepath.Join(out, payload.ManifestName)
	text, err := os.ReadFile(path)
	testtree.Must(t, err)
	m, err := payload.Parse(text)
	testtree.Must(t, err)
	for _, n := range nodes {
		if isLink(n) {
			m.Entries = append(m.Entries, payload.Entry{Name: n.Name, Mode: fs.ModeSymlink | 0o777, Symlink: n.Target})
		}
	}
	slices.SortFunc(m.Entries, func(a, b payload.Entry) int { return strings.Compare(a.Name, b.Name) })
	testtree.Must(t, os.WriteFile(path, payload.Encode(m), 0o644))
}

// StreamFile returns the path of a payload's only other file.
func StreamFile(t testing.TB, packed string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(packed, payload.ManifestName))
	testtree.Must(t, err)
	m, err := payload.Parse(data)
	testtree.Must(t, err)
	files, err := os.ReadDir(packed)
	testtree.Must(t, err)
	if len(files) != 3 || m.Stream == "" { // and a .gitattributes
		t.Fatalf("stream %q in %v", m.Stream, files)
	}
	return filepath.Join(packed, m.Stream)
}

func Unzstd(t testing.TB, data []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(nil)
	testtree.Must(t, err)
	defer d.Close()
	out, err := d.DecodeAll(data, nil)
	testtree.Must(t, err)
	return out
}
