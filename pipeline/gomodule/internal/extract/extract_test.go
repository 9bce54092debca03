package extract

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// A context that ends while files are written leaves nothing.
func TestCancelLeavesNothing(t *testing.T) { testpayload.EachLayout(t, testCancelLeavesNothing) }

func testCancelLeavesNothing(t *testing.T, opts ...payload.PackOptions) {
	dir := testtree.OwnPlaces(t)
	fsys := inMemory(t, testpayload.Pack(t, testtree.ManyFiles(50), opts...))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := openNamed(fsFunc(func(name string) (fs.File, error) {
		if name != payload.ManifestName {
			cancel()
		}
		return fsys.Open(name)
	}), "test", Options{Context: ctx})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*", "goempy*", "*", "*"))
	for _, l := range left {
		if b := filepath.Base(l); b != "lock" && b != "use" {
			t.Errorf("left: %s", l)
		}
	}
}

type fsFunc func(name string) (fs.File, error)

func (f fsFunc) Open(name string) (fs.File, error) { return f(name) }

func TestExtractsWhatWasPacked(t *testing.T) { testpayload.EachLayout(t, testExtractsWhatWasPacked) }

func testExtractsWhatWasPacked(t *testing.T, opts ...payload.PackOptions) {
	testtree.OwnPlaces(t)
	e := start(t, testpayload.Pack(t, testtree.Sample(), opts...))
	if got, want := testtree.Dump(t, e.Dir()), testtree.Of(t, testtree.Sample()); got != want {
		t.Errorf("extracted:\n%s\npacked:\n%s", got, want)
	}
	if err := e.Verify(); err != nil {
		t.Error(err)
	}
}

func TestDirectoriesArePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permission bits")
	}
	testtree.OwnPlaces(t)
	e := start(t, testpayload.Pack(t, testtree.Sample()))
	tree := e.Dir()
	for _, dir := range []string{filepath.Dir(tree), tree, tree + stateSuffix} {
		st, err := os.Lstat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", dir, st.Mode())
		}
	}
}

func TestSecondStartWritesNothing(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	e := start(t, packed)
	marker := filepath.Join(e.Dir()+stateSuffix, "marker")
	before, err := osfs.Lstat(marker)
	if err != nil {
		t.Fatal(err)
	}
	again := start(t, packed)
	if again.at.fresh {
		t.Error("the second start extracted")
	}
	if after, err := osfs.Lstat(marker); err != nil || after != before {
		t.Errorf("the marker was written again: %v", err)
	}
}

func TestOptionsOfPlaces(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	dir := filepath.Join(t.TempDir(), "x", "y")
	e, err := openGiven(os.DirFS(packed), dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if e.Dir() != dir {
		t.Errorf("extracted to %s", e.Dir())
	}
	h, err := openGiven(os.DirFS(packed), dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if name := filepath.Base(h.Dir()); !hasHash(name, "y-") {
		t.Errorf("extracted to %s", name)
	}
	for _, x := range []*Files{e, h} {
		path := x.Dir()
		if err := x.Cleanup(); err != nil {
			t.Error(err)
		}
		for _, gone := range []string{path, path + stateSuffix} {
			if _, err := os.Lstat(gone); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is still there: %v", gone, err)
			}
		}
		if x.Dir() != "" {
			t.Error("a path after Cleanup")
		}
		if _, err := x.Extract(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Extract after Cleanup: %v", err)
		}
	}
}

func TestGivenDirectoryKeepsForeignFiles(t *testing.T) {
	dir := t.TempDir()
	testtree.Make(t, dir, []testtree.Node{{Name: "mine.txt", Content: "mine"}, {Name: "lib/mine.py", Content: "mine"}})
	e, err := openGiven(os.DirFS(testpayload.Pack(t, testtree.Sample())), dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Verify(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"mine.txt", "lib/mine.py"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != "mine" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	cache := filepath.Join(dir, "lib", "pkg", "__pycache__")
	testtree.Must(t, os.Mkdir(cache, 0o755))
	testtree.Must(t, os.WriteFile(filepath.Join(cache, "mod.pyc"), nil, 0o644))
	if runtime.GOOS != "windows" {
		// A folder that leads elsewhere is not followed.
		elsewhere := t.TempDir()
		testtree.Make(t, elsewhere, []testtree.Node{{Name: "ß 文.txt", Content: "not the payload's"}})
		link := filepath.Join(dir, "lib", "ünïcode")
		testtree.Must(t, os.RemoveAll(link))
		testtree.Must(t, os.Symlink(elsewhere, link))
		defer func() {
			if files, err := os.ReadDir(elsewhere); err != nil || len(files) != 1 {
				t.Errorf("removed elsewhere: %v, %v", files, err)
			}
		}()
	}
	testtree.Must(t, e.Cleanup())
	want := "lib lib/mine.py mine.txt"
	var left []string
	testtree.Must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, path); rel != "." {
			left = append(left, filepath.ToSlash(rel))
		}
		return err
	}))
	if got := strings.Join(left, " "); got != want {
		t.Errorf("Cleanup left %s, not %s", got, want)
	}
}

func TestAnotherPayloadInTheSameDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	old := append(testtree.Sample(), testtree.Node{Name: "lib/gone/"}, testtree.Node{Name: "lib/gone/a.py", Content: "a"}, testtree.Node{Name: "lib/same-old.py", Content: "b"})
	for _, nodes := range [][]testtree.Node{old, testtree.Sample(), old, testtree.Sample()} {
		e := cleaned(t)(openGiven(os.DirFS(testpayload.Pack(t, nodes)), dir, false))
		if got, want := testtree.Dump(t, e.Dir()), testtree.Of(t, nodes); got != want {
			t.Errorf("extracted:\n%s\npacked:\n%s", got, want)
		}
	}
}

func TestFilesWithoutManifest(t *testing.T) {
	testtree.OwnPlaces(t)
	fsys := fstest.MapFS{
		"a/b.txt":  {Data: []byte("b"), Mode: 0o444},
		"top.py":   {Data: []byte("top"), Mode: 0o444},
		"a/c/d.py": {Data: []byte("d"), Mode: 0o444},
	}
	e := cleaned(t)(openNamed(fsys, "plain"))
	if b, err := os.ReadFile(filepath.Join(e.Dir(), "a", "c", "d.py")); err != nil || string(b) != "d" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := openNamed(fstest.MapFS{}, "nothing"); !errors.Is(err, payload.ErrManifest) {
		t.Errorf("an empty file system: %v", err)
	}
}

func TestLazy(t *testing.T) {
	dir := testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	e := start(t, packed, Options{Lazy: true})
	if files, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(files) > 0 {
		t.Fatalf("extracted at once: %v", files)
	}
	if _, err := os.Stat(filepath.Join(e.Dir(), "bin")); err != nil {
		t.Error(err)
	}
}

func TestBadBlobLeavesNothing(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, blob string){
		"missing":   func(t *testing.T, blob string) { testtree.Must(t, os.Remove(blob)) },
		"truncated": func(t *testing.T, blob string) { testtree.Must(t, os.Truncate(blob, 20)) },
		"other": func(t *testing.T, blob string) {
			b, err := os.ReadFile(blob)
			testtree.Must(t, err)
			b[len(b)/2] ^= 1
			testtree.Must(t, os.WriteFile(blob, b, 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := testtree.OwnPlaces(t)
			packed := testpayload.Pack(t, testtree.Sample())
			blobs, err := filepath.Glob(filepath.Join(packed, "*.zst"))
			if err != nil || len(blobs) == 0 {
				t.Fatal(blobs, err)
			}
			spoil(t, blobs[0])
			_, err = openNamed(os.DirFS(packed), "test")
			if !errors.Is(err, payload.ErrManifest) || !strings.Contains(err.Error(), filepath.Base(blobs[0])) {
				t.Errorf("error: %v", err)
			}
			left, _ := filepath.Glob(filepath.Join(dir, "*", "goempy*", "*", "*"))
			for _, l := range left {
				if b := filepath.Base(l); b != "lock" && b != "use" {
					t.Errorf("left: %s", l)
				}
			}
		})
	}
}

// The keys may be in any order, at the price of a slower start.
func TestKeysInAnotherOrder(t *testing.T) {
	testtree.OwnPlaces(t)
	dir := testpayload.Pack(t, testtree.Sample())
	path := filepath.Join(dir, payload.ManifestName)
	data, err := os.ReadFile(path)
	testtree.Must(t, err)
	head, files, _ := strings.Cut(string(data), "\"files\"")
	body := strings.TrimSuffix(strings.TrimSpace(files), "}")
	head = strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(head, "{")), ",")
	testtree.Must(t, os.WriteFile(path, []byte("{\"files\""+body+","+head+"}"), 0o644))
	e := start(t, dir)
	testtree.Must(t, e.Verify())
	if again := start(t, dir); again.at.fresh {
		t.Error("extracted again")
	}
}
