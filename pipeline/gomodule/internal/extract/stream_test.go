package extract

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

func TestStreamsOfOddTrees(t *testing.T) {
	for name, c := range map[string]struct {
		nodes  []testtree.Node
		suffix string
	}{
		"sample":       {testtree.StreamSample(), ".zst"},
		"not smaller":  {[]testtree.Node{{Name: "a", Content: testtree.Noise(1, 100)}, {Name: "b", Content: testtree.Noise(2, 50)}, {Name: "c", Content: testtree.Noise(1, 100)}}, ""},
		"large noise":  {[]testtree.Node{{Name: "a", Content: testtree.Noise(3, 2<<20)}, {Name: "b", Content: testtree.Noise(3, 2<<20)}}, ""},
		"empty files":  {[]testtree.Node{{Name: "a", Content: ""}, {Name: "b", Content: ""}}, ""},
		"folders only": {[]testtree.Node{{Name: "a/"}, {Name: "a/b/"}, {Name: "l", Target: "a"}}, ""},
		"many":         {testtree.ManyFiles(100), ".zst"},
	} {
		t.Run(name, func(t *testing.T) {
			testtree.OwnPlaces(t)
			packed := testpayload.Pack(t, c.nodes, payload.PackOptions{Layout: payload.LayoutStream})
			if path := testpayload.StreamFile(t, packed); filepath.Ext(path) != c.suffix {
				t.Errorf("stream is %s", path)
			}
			e := start(t, packed)
			if got, want := testtree.Dump(t, e.Dir()), testtree.Of(t, c.nodes); got != want {
				t.Errorf("extracted:\n%s\npacked:\n%s", got, want)
			}
			testtree.Must(t, e.Verify())
			if again := start(t, packed); again.at.fresh {
				t.Error("extracted again")
			}
		})
	}
}

// inMemory reads a payload.
func inMemory(t testing.TB, packed string) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, path := range testtree.RegularFiles(t, packed) {
		data, err := os.ReadFile(path)
		testtree.Must(t, err)
		fsys[filepath.Base(path)] = holding(data)
	}
	return fsys
}

func streamIn(fsys fstest.MapFS) string {
	for name := range fsys {
		if name != payload.ManifestName && name != ".gitattributes" {
			return name
		}
	}
	return ""
}

func holding(data ...[]byte) *fstest.MapFile { return &fstest.MapFile{Data: slices.Concat(data...)} }

// One core decodes in another way than several.
func TestStreamOnOneCore(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	t.Run("bad", TestBadStreamLeavesNothing)
	t.Run("repair", TestRepairFromTheHeadOfAStream)
}

// A repair reads no further than the last content that it needs.
func TestRepairFromTheHeadOfAStream(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.StreamSample(), payload.PackOptions{Layout: payload.LayoutStream})
	e := start(t, packed)
	tree := e.Dir()
	want := testtree.Dump(t, tree)
	damage := func(names ...string) {
		for _, name := range names {
			testtree.Must(t, os.WriteFile(filepath.Join(tree, name), []byte("damaged"), 0o644))
		}
	}
	for _, names := range [][]string{{"a-b"}, {"empty"}, {"a/b", "same"}, {"large", "tail/large"}, {"last", "tail/empty"}, {"a-b", "ünïcode ß 文"}} {
		damage(names...)
		start(t, packed)
		if got := testtree.Dump(t, tree); got != want {
			t.Fatalf("after a repair of %q:\n%s", names, got)
		}
	}

	raw := storeRaw(t, packed)
	testtree.Must(t, os.Truncate(raw, 25))
	damage("a-b")
	testtree.Must(t, start(t, packed).Verify())
	testtree.Must(t, os.Remove(raw))
	testtree.Must(t, os.WriteFile(filepath.Join(tree, "empty"), []byte("x"), 0o644))
	testtree.Must(t, start(t, packed).Verify()) // an empty file needs no stream
	damage("same")
	_, err := openNamed(os.DirFS(packed), "test")
	if !errors.Is(err, payload.ErrManifest) {
		t.Errorf("without a stream: %v", err)
	}
	if err := e.Verify(); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "same") {
		t.Errorf("Verify: %v", err)
	}
}
