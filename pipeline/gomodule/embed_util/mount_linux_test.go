package embed_util

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mount puts a small file system at dir. It skips the test where that is not
// allowed.
func mount(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	needRoot(t)
	mustDo(t, os.MkdirAll(dir, 0o755))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
		t.Skipf("cannot mount a file system here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
		t.Fatalf("cannot mount a file system again: %v", err)
	}
}

func TestTempDirThatCannotBeUsed(t *testing.T) {
	for name, c := range map[string]struct {
		flags   uintptr
		options string
		want    string
	}{
		"full":      {0, "size=300k", "no space left"},
		"read-only": {syscall.MS_RDONLY, "", "read-only file system"},
		"noexec":    {syscall.MS_NOEXEC, "", "noexec"},
		"no inodes": {0, "nr_inodes=8", "no space left"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := ownPlaces(t)
			tmp := filepath.Join(dir, "tmp")
			mount(t, tmp, c.flags, c.options)
			payload := pack(t, sample())
			e := start(t, payload)
			if !strings.HasPrefix(e.GetExtractedPath(), filepath.Join(dir, "cache")) {
				t.Errorf("extracted to %s", e.GetExtractedPath())
			}
			mustDo(t, e.Verify())
			if again := start(t, payload); again.at.fresh {
				t.Error("extracted at every start")
			}
			left, _ := filepath.Glob(filepath.Join(tmp, "*", "*", "*"))
			for _, l := range left {
				if b := filepath.Base(l); b != "lock" && b != "use" {
					t.Errorf("left: %s", l)
				}
			}
			_, err := NewEmbeddedFilesWithTmpDir(os.DirFS(payload), filepath.Join(tmp, "given"), false)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), tmp) {
				t.Errorf("error: %v", err)
			}
			if _, err := os.Lstat(filepath.Join(tmp, "given")); err == nil {
				t.Error("a tree was left there")
			}
		})
	}
}

// The room is counted in advance, but others take it meanwhile: then writing
// fails half-way.
func TestFullWhileWriting(t *testing.T) { eachLayout(t, testFullWhileWriting) }

func testFullWhileWriting(t *testing.T, opts ...PackOption) {
	dir := filepath.Join(t.TempDir(), "small")
	mount(t, dir, 0, "size=1m")
	payload := pack(t, sample(), opts...)
	pl, err := openPayload(os.DirFS(payload))
	mustDo(t, err)
	man, err := pl.manifest()
	mustDo(t, err)
	p, err := givenPlace(filepath.Join(dir, "tree"), pl.key, false)
	mustDo(t, err)
	mustDo(t, p.prepare())
	w := &worker{ctx: t.Context(), place: &p, plan: man.entries, key: pl.key, from: contentsOf(pl.fsys, man)}
	if err := w.build(); !errors.Is(err, syscall.ENOSPC) || errors.Is(err, ErrManifest) {
		t.Errorf("error: %v", err)
	}
	if files, err := os.ReadDir(p.state()); err != nil || len(files) > 0 {
		t.Errorf("left: %v, %v", files, err)
	}
	if _, err := os.Lstat(p.tree); err == nil {
		t.Error("a tree was left there")
	}
}

// A tree that was extracted when an image was built is used as it is, if its
// content is right.
func TestReadOnlyTree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "image")
	mount(t, dir, 0, "")
	payload := pack(t, sample())
	given := filepath.Join(dir, "tree")
	_, err := NewEmbeddedFilesWithTmpDir(os.DirFS(payload), given, false)
	mustDo(t, err)
	// As if copied: everything has other times.
	for _, path := range regularFiles(t, given) {
		age(t, path, 1000*time.Hour)
	}
	remount(t, dir, syscall.MS_RDONLY)
	e, err := NewEmbeddedFilesWithTmpDir(os.DirFS(payload), given, false)
	if err != nil {
		t.Fatal(err)
	}
	mustDo(t, e.Verify())
	remount(t, dir, 0)
	flip(t, filepath.Join(given, "lib", "same.py"))
	remount(t, dir, syscall.MS_RDONLY)
	_, err = NewEmbeddedFilesWithTmpDir(os.DirFS(payload), given, false)
	if err == nil || !strings.Contains(err.Error(), "lib/same.py") {
		t.Errorf("error: %v", err)
	}
}

// A directory that is a mount point cannot be renamed over.
func TestGivenMountPoint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "volume")
	mount(t, dir, 0, "mode=0700")
	e, err := NewEmbeddedFilesWithTmpDir(os.DirFS(pack(t, sample())), dir, false)
	mustDo(t, err)
	if got, want := dump(t, dir), treeOf(t, sample()); got != want {
		t.Errorf("extracted:\n%s", got)
	}
	mustDo(t, e.Verify())
}

// A tree stays where it is, but its file system is mounted otherwise.
func TestTempDirThatBecameNoexec(t *testing.T) {
	for name, flags := range map[string]uintptr{"writable": 0, "read-only": syscall.MS_RDONLY} {
		t.Run(name, func(t *testing.T) {
			dir := ownPlaces(t)
			tmp := filepath.Join(dir, "tmp")
			mount(t, tmp, 0, "")
			payload := pack(t, sample())
			data := pack(t, []node{{name: "a.txt", content: "a"}})
			e := start(t, payload)
			d := start(t, data)
			for _, x := range []*EmbeddedFiles{e, d} {
				if !strings.HasPrefix(x.GetExtractedPath(), tmp) {
					t.Fatalf("extracted to %s", x.GetExtractedPath())
				}
			}
			remount(t, tmp, syscall.MS_NOEXEC|flags)
			for _, fresh := range []bool{true, false} {
				again := start(t, payload)
				if !strings.HasPrefix(again.GetExtractedPath(), filepath.Join(dir, "cache")) || again.at.fresh != fresh {
					t.Errorf("used %s", again.GetExtractedPath())
				}
			}
			if again := start(t, data); again.GetExtractedPath() != d.GetExtractedPath() {
				t.Errorf("files that nobody runs moved to %s", again.GetExtractedPath())
			}
			remount(t, tmp, 0)
		})
	}
}
