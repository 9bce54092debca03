package embed_util

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

func TestExtractsWhatWasPacked(t *testing.T) { eachLayout(t, testExtractsWhatWasPacked) }

func testExtractsWhatWasPacked(t *testing.T, opts ...PackOption) {
	ownPlaces(t)
	e := start(t, pack(t, sample(), opts...))
	if got, want := dump(t, e.GetExtractedPath()), treeOf(t, sample()); got != want {
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
	ownPlaces(t)
	e := start(t, pack(t, sample()))
	tree := e.GetExtractedPath()
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
	ownPlaces(t)
	payload := pack(t, sample())
	e := start(t, payload)
	marker := filepath.Join(e.GetExtractedPath()+stateSuffix, "marker")
	before, err := stampOf(marker)
	if err != nil {
		t.Fatal(err)
	}
	again := start(t, payload)
	if again.at.fresh {
		t.Error("the second start extracted")
	}
	if after, err := stampOf(marker); err != nil || after != before {
		t.Errorf("the marker was written again: %v", err)
	}
}

func TestOptionsOfPlaces(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, sample())
	dir := filepath.Join(t.TempDir(), "x", "y")
	e, err := NewEmbeddedFilesWithTmpDir(os.DirFS(payload), dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if e.GetExtractedPath() != dir {
		t.Errorf("extracted to %s", e.GetExtractedPath())
	}
	h, err := NewEmbeddedFilesWithTmpDir(os.DirFS(payload), dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if name := filepath.Base(h.GetExtractedPath()); !hasHash(name, "y-") {
		t.Errorf("extracted to %s", name)
	}
	for _, x := range []*EmbeddedFiles{e, h} {
		path := x.GetExtractedPath()
		if err := x.Cleanup(); err != nil {
			t.Error(err)
		}
		for _, gone := range []string{path, path + stateSuffix} {
			if _, err := os.Lstat(gone); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is still there: %v", gone, err)
			}
		}
		if x.GetExtractedPath() != "" {
			t.Error("a path after Cleanup")
		}
		if _, err := x.Extract(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Extract after Cleanup: %v", err)
		}
	}
}

func TestGivenDirectoryKeepsForeignFiles(t *testing.T) {
	dir := t.TempDir()
	makeTree(t, dir, []node{{name: "mine.txt", content: "mine"}, {name: "lib/mine.py", content: "mine"}})
	e, err := NewEmbeddedFilesWithTmpDir(os.DirFS(pack(t, sample())), dir, false)
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
	mustDo(t, os.Mkdir(cache, 0o755))
	mustDo(t, os.WriteFile(filepath.Join(cache, "mod.pyc"), nil, 0o644))
	if runtime.GOOS != "windows" {
		// A folder that leads elsewhere is not followed.
		elsewhere := t.TempDir()
		makeTree(t, elsewhere, []node{{name: "ß 文.txt", content: "not the payload's"}})
		link := filepath.Join(dir, "lib", "ünïcode")
		mustDo(t, os.RemoveAll(link))
		mustDo(t, os.Symlink(elsewhere, link))
		defer func() {
			if files, err := os.ReadDir(elsewhere); err != nil || len(files) != 1 {
				t.Errorf("removed elsewhere: %v, %v", files, err)
			}
		}()
	}
	mustDo(t, e.Cleanup())
	want := "lib lib/mine.py mine.txt"
	var left []string
	mustDo(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
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
	old := append(sample(), node{name: "lib/gone/"}, node{name: "lib/gone/a.py", content: "a"}, node{name: "lib/same-old.py", content: "b"})
	for _, nodes := range [][]node{old, sample(), old, sample()} {
		e := cleaned(t)(NewEmbeddedFilesWithTmpDir(os.DirFS(pack(t, nodes)), dir, false))
		if got, want := dump(t, e.GetExtractedPath()), treeOf(t, nodes); got != want {
			t.Errorf("extracted:\n%s\npacked:\n%s", got, want)
		}
	}
}

func TestFilesWithoutManifest(t *testing.T) {
	ownPlaces(t)
	fsys := fstest.MapFS{
		"a/b.txt":  {Data: []byte("b"), Mode: 0o444},
		"top.py":   {Data: []byte("top"), Mode: 0o444},
		"a/c/d.py": {Data: []byte("d"), Mode: 0o444},
	}
	e := cleaned(t)(NewEmbeddedFiles(fsys, "plain"))
	if b, err := os.ReadFile(filepath.Join(e.GetExtractedPath(), "a", "c", "d.py")); err != nil || string(b) != "d" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := NewEmbeddedFiles(fstest.MapFS{}, "nothing"); !errors.Is(err, ErrManifest) {
		t.Errorf("an empty file system: %v", err)
	}
}

func TestLazy(t *testing.T) {
	dir := ownPlaces(t)
	payload := pack(t, sample())
	e := start(t, payload, WithLazyExtract())
	if files, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(files) > 0 {
		t.Fatalf("extracted at once: %v", files)
	}
	if _, err := os.Stat(filepath.Join(e.GetExtractedPath(), "bin")); err != nil {
		t.Error(err)
	}
}

func TestBadBlobLeavesNothing(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, blob string){
		"missing":   func(t *testing.T, blob string) { mustDo(t, os.Remove(blob)) },
		"truncated": func(t *testing.T, blob string) { mustDo(t, os.Truncate(blob, 20)) },
		"other": func(t *testing.T, blob string) {
			b, err := os.ReadFile(blob)
			mustDo(t, err)
			b[len(b)/2] ^= 1
			mustDo(t, os.WriteFile(blob, b, 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := ownPlaces(t)
			payload := pack(t, sample())
			blobs, err := filepath.Glob(filepath.Join(payload, "*.zst"))
			if err != nil || len(blobs) == 0 {
				t.Fatal(blobs, err)
			}
			spoil(t, blobs[0])
			_, err = NewEmbeddedFiles(os.DirFS(payload), "test")
			if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), filepath.Base(blobs[0])) {
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

func mustDo(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
