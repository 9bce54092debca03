package extract

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// mount puts a small file system at dir. It skips the test where that is not
// allowed.
func mount(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	needRoot(t)
	testtree.Must(t, os.MkdirAll(dir, 0o755))
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
			dir := testtree.OwnPlaces(t)
			tmp := filepath.Join(dir, "tmp")
			mount(t, tmp, c.flags, c.options)
			packed := testpayload.Pack(t, testtree.Sample())
			e := start(t, packed)
			if !strings.HasPrefix(e.Dir(), filepath.Join(dir, "cache")) {
				t.Errorf("extracted to %s", e.Dir())
			}
			testtree.Must(t, e.Verify())
			if again := start(t, packed); again.at.fresh {
				t.Error("extracted at every start")
			}
			left, _ := filepath.Glob(filepath.Join(tmp, "*", "*", "*"))
			for _, l := range left {
				if b := filepath.Base(l); b != "lock" && b != "use" {
					t.Errorf("left: %s", l)
				}
			}
			_, err := openGiven(os.DirFS(packed), filepath.Join(tmp, "given"), false)
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
func TestFullWhileWriting(t *testing.T) { testpayload.EachLayout(t, testFullWhileWriting) }

func testFullWhileWriting(t *testing.T, opts ...payload.PackOptions) {
	dir := filepath.Join(t.TempDir(), "small")
	mount(t, dir, 0, "size=1m")
	packed := testpayload.Pack(t, testtree.Sample(), opts...)
	pl, err := payload.Open(os.DirFS(packed))
	testtree.Must(t, err)
	man, err := pl.Manifest()
	testtree.Must(t, err)
	loc, err := givenLocation(filepath.Join(dir, "tree"), pl.Key, false, nil)
	testtree.Must(t, err)
	testtree.Must(t, loc.prepare())
	b := &builder{ctx: t.Context(), loc: &loc, plan: man.Entries, key: pl.Key, from: payload.NewSource(pl.FS, man)}
	if err := b.build(); !errors.Is(err, syscall.ENOSPC) || errors.Is(err, payload.ErrManifest) {
		t.Errorf("error: %v", err)
	}
	if files, err := os.ReadDir(loc.state()); err != nil || len(files) > 0 {
		t.Errorf("left: %v, %v", files, err)
	}
	if _, err := os.Lstat(loc.tree); err == nil {
		t.Error("a tree was left there")
	}
}

// A tree that was extracted when an image was built is used as it is, if its
// content is right.
func TestReadOnlyTree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "image")
	mount(t, dir, 0, "")
	packed := testpayload.Pack(t, testtree.Sample())
	given := filepath.Join(dir, "tree")
	_, err := openGiven(os.DirFS(packed), given, false)
	testtree.Must(t, err)
	// As if copied: everything has other times.
	for _, path := range testtree.RegularFiles(t, given) {
		testtree.Age(t, path, 1000*time.Hour)
	}
	remount(t, dir, syscall.MS_RDONLY)
	e, err := openGiven(os.DirFS(packed), given, false)
	if err != nil {
		t.Fatal(err)
	}
	testtree.Must(t, e.Verify())
	remount(t, dir, 0)
	flip(t, filepath.Join(given, "lib", "same.py"))
	remount(t, dir, syscall.MS_RDONLY)
	_, err = openGiven(os.DirFS(packed), given, false)
	if err == nil || !strings.Contains(err.Error(), "lib/same.py") {
		t.Errorf("error: %v", err)
	}
}

// A directory that is a mount point cannot be renamed over.
func TestGivenMountPoint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "volume")
	mount(t, dir, 0, "mode=0700")
	e, err := openGiven(os.DirFS(testpayload.Pack(t, testtree.Sample())), dir, false)
	testtree.Must(t, err)
	if got, want := testtree.Dump(t, dir), testtree.Of(t, testtree.Sample()); got != want {
		t.Errorf("extracted:\n%s", got)
	}
	testtree.Must(t, e.Verify())
}

// A tree stays where it is, but its file system is mounted otherwise.
func TestTempDirThatBecameNoexec(t *testing.T) {
	for name, flags := range map[string]uintptr{"writable": 0, "read-only": syscall.MS_RDONLY} {
		t.Run(name, func(t *testing.T) {
			dir := testtree.OwnPlaces(t)
			tmp := filepath.Join(dir, "tmp")
			mount(t, tmp, 0, "")
			packed := testpayload.Pack(t, testtree.Sample())
			data := testpayload.Pack(t, []testtree.Node{{Name: "a.txt", Content: "a"}})
			e := start(t, packed)
			d := start(t, data)
			for _, x := range []*Files{e, d} {
				if !strings.HasPrefix(x.Dir(), tmp) {
					t.Fatalf("extracted to %s", x.Dir())
				}
			}
			remount(t, tmp, syscall.MS_NOEXEC|flags)
			for _, fresh := range []bool{true, false} {
				again := start(t, packed)
				if !strings.HasPrefix(again.Dir(), filepath.Join(dir, "cache")) || again.at.fresh != fresh {
					t.Errorf("used %s", again.Dir())
				}
			}
			if again := start(t, data); again.Dir() != d.Dir() {
				t.Errorf("files that nobody runs moved to %s", again.Dir())
			}
			remount(t, tmp, 0)
		})
	}
}
