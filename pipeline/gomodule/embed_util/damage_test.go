package embed_util

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// flip changes one byte of a file in place, keeps its size, and sets its old
// modification time again: the change that is hardest to see.
func flip(t testing.TB, path string) {
	t.Helper()
	st, err := os.Stat(path)
	mustDo(t, err)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	mustDo(t, err)
	b := make([]byte, 1)
	_, err = f.ReadAt(b, st.Size()/2)
	mustDo(t, err)
	b[0] ^= 0x20
	_, err = f.WriteAt(b, st.Size()/2)
	mustDo(t, err)
	mustDo(t, f.Close())
	mustDo(t, os.Chtimes(path, st.ModTime(), st.ModTime()))
}

// seesSilentChanges says whether this system can tell a change whose author
// has set the old time again.
func seesSilentChanges(t testing.TB) {
	t.Helper()
	if !hasChangeTime {
		t.Skip("this system keeps no time of change that programs cannot set")
	}
}

func regularFiles(t testing.TB, tree string) []string {
	t.Helper()
	var files []string
	mustDo(t, filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	}))
	return files
}

func TestFlippedByteInEveryFile(t *testing.T) {
	seesSilentChanges(t)
	ownPlaces(t)
	payload := pack(t, sample())
	e := start(t, payload)
	want := dump(t, e.GetExtractedPath())
	for _, path := range regularFiles(t, e.GetExtractedPath()) {
		if st, err := os.Stat(path); err != nil || st.Size() == 0 {
			continue
		}
		flip(t, path)
		if err := e.Verify(); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "has other content") {
			t.Errorf("Verify of a flipped %s: %v", path, err)
		}
		start(t, payload)
		if got := dump(t, e.GetExtractedPath()); got != want {
			t.Fatalf("after a flip in %s:\n%s\nwant:\n%s", path, got, want)
		}
	}
}

// A change in the same tick of the clock as the extraction has the same times
// as the extraction, if nobody waits for the tick to end.
func TestFlippedRightAfterExtraction(t *testing.T) {
	seesSilentChanges(t)
	for name, c := range clocks {
		t.Run(name, func(t *testing.T) { c.use(t); testFlippedRightAfterExtraction(t, c.rounds) })
	}
}

// clocks are those of file systems: this one's, one whose tick can be waited
// for, and one whose tick cannot.
var clocks = map[string]clock{
	"as it is": {1, 50},
	"coarse":   {int64(settleTime) * 4 / 5, 10},
	"slow":     {int64(time.Hour), 3},
}

type clock struct {
	tick   int64
	rounds int
}

func (c clock) use(t *testing.T) {
	clockTick = c.tick
	t.Cleanup(func() { clockTick = 1 })
}

func testFlippedRightAfterExtraction(t *testing.T, rounds int) {
	ownPlaces(t)
	payload := pack(t, []node{{name: "a.txt", content: "aaaa"}, {name: "b.txt", content: "bbbb"}})
	for range rounds {
		e := start(t, payload)
		tree := e.GetExtractedPath()
		flip(t, filepath.Join(tree, "a.txt"))
		start(t, payload)
		if b, err := os.ReadFile(filepath.Join(tree, "a.txt")); err != nil || string(b) != "aaaa" {
			t.Fatalf("%q, %v", b, err)
		}
		// And right after a repair.
		flip(t, filepath.Join(tree, "b.txt"))
		again := start(t, payload)
		if b, err := os.ReadFile(filepath.Join(tree, "b.txt")); err != nil || string(b) != "bbbb" {
			t.Fatalf("%q, %v", b, err)
		}
		mustDo(t, again.Repair())
		mustDo(t, os.RemoveAll(tree))
	}
}

func TestDamageIsRepaired(t *testing.T) { eachLayout(t, testDamageIsRepaired) }

func testDamageIsRepaired(t *testing.T, opts ...PackOption) {
	ownPlaces(t)
	payload := pack(t, sample(), opts...)
	e := start(t, payload)
	tree := e.GetExtractedPath()
	want := dump(t, tree)
	in := func(name string) string { return filepath.Join(tree, filepath.FromSlash(name)) }
	elsewhere := t.TempDir()
	makeTree(t, elsewhere, sample())

	for _, c := range []struct {
		name   string
		unix   bool
		damage func() error
	}{
		{"truncated", false, func() error { return os.Truncate(in("lib/pkg/mod.py"), 3) }},
		{"emptied", false, func() error { return os.Truncate(in("lib/big.so"), 0) }},
		{"grown", false, func() error { return os.WriteFile(in("lib/pkg/__init__.py"), []byte("x"), 0o644) }},
		{"file deleted", false, func() error { return os.Remove(in("lib/same.py")) }},
		{"folder deleted", false, func() error { return os.RemoveAll(in("lib/pkg")) }},
		{"empty folder deleted", false, func() error { return os.Remove(in("share/empty")) }},
		{"symlink deleted", true, func() error { return os.Remove(in("bin/python3")) }},
		{"symlink redirected", true, func() error {
			mustDo(t, os.Remove(in("bin/python3")))
			return os.Symlink("/bin/sh", in("bin/python3"))
		}},
		{"symlink became a file", true, func() error {
			mustDo(t, os.Remove(in("bin/python3")))
			return os.WriteFile(in("bin/python3"), []byte("#!/bin/sh\n"), 0o755)
		}},
		{"file became a symlink", true, func() error {
			mustDo(t, os.Remove(in("lib/same.py")))
			return os.Symlink(filepath.Join(elsewhere, "lib", "same.py"), in("lib/same.py"))
		}},
		{"file became a folder", false, func() error {
			mustDo(t, os.Remove(in("lib/same.py")))
			return os.MkdirAll(in("lib/same.py/deep"), 0o755)
		}},
		{"folder became a file", false, func() error {
			mustDo(t, os.RemoveAll(in("lib/pkg")))
			return os.WriteFile(in("lib/pkg"), nil, 0o644)
		}},
		{"folder replaced by another", false, func() error {
			mustDo(t, os.Rename(in("lib/pkg"), filepath.Join(elsewhere, "moved1")))
			mustDo(t, os.Mkdir(in("lib/pkg"), 0o755))
			return os.WriteFile(in("lib/pkg/mod.py"), []byte("evil"), 0o644)
		}},
		{"folder replaced by a symlink", true, func() error {
			mustDo(t, os.Rename(in("lib/pkg"), filepath.Join(elsewhere, "moved2")))
			return os.Symlink(filepath.Join(elsewhere, "moved2"), in("lib/pkg"))
		}},
		{"file without permissions", true, func() error { return os.Chmod(in("lib/pkg/mod.py"), 0) }},
		{"file not executable", true, func() error { return os.Chmod(in("bin/python3.14"), 0o644) }},
		{"file writable by all", true, func() error { return os.Chmod(in("lib/same.py"), 0o666) }},
		{"file runs as its owner", true, func() error { return os.Chmod(in("bin/python3.14"), 0o755|fs.ModeSetuid) }},
		{"file runs as its group", true, func() error { return os.Chmod(in("bin/python3.14"), 0o755|fs.ModeSetgid) }},
		{"sticky file", true, func() error { return os.Chmod(in("lib/same.py"), 0o644|fs.ModeSticky) }},
		{"folder without permissions", true, func() error { return os.Chmod(in("lib/pkg"), 0) }},
		{"tree without permissions", true, func() error { return os.Chmod(tree, 0) }},
		{"tree open to all", true, func() error { return os.Chmod(tree, 0o777) }},
		{"tree deleted", false, func() error { return os.RemoveAll(tree) }},
		{"marker deleted", false, func() error { return os.Remove(filepath.Join(tree+stateSuffix, "marker")) }},
		{"marker and a file", false, func() error {
			mustDo(t, os.WriteFile(filepath.Join(tree+stateSuffix, "marker"), []byte("junk"), 0o600))
			return os.WriteFile(in("lib/same.py"), []byte("x = 2\n"), 0o644)
		}},
		{"state deleted", true, func() error { return os.RemoveAll(tree + stateSuffix) }},
		{"left by a kill", false, func() error {
			mustDo(t, os.MkdirAll(filepath.Join(tree+stateSuffix, "new-1-1", "lib"), 0o755))
			mustDo(t, os.MkdirAll(filepath.Join(tree+stateSuffix, "old-1-1", "lib", "x"), 0o755))
			mustDo(t, os.Chmod(filepath.Join(tree+stateSuffix, "old-1-1", "lib"), 0))
			mustDo(t, os.MkdirAll(filepath.Join(tree, stageName), 0o700))
			return os.Remove(in("lib/same.py"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.unix && runtime.GOOS == "windows" {
				t.Skip("Windows has no symlinks and no permission bits, and keeps open files")
			}
			mustDo(t, c.damage())
			start(t, payload)
			if got := dump(t, tree); got != want {
				t.Fatalf("tree is now:\n%s\nwant:\n%s", got, want)
			}
			left, _ := filepath.Glob(filepath.Join(tree+stateSuffix, "*-*"))
			if len(left) > 0 {
				t.Errorf("left: %q", left)
			}
			mustDo(t, e.Verify())
			if again := start(t, payload); again.at.fresh {
				t.Error("not settled after one start")
			}
		})
	}
}

func TestDamageAsAnOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: TestDamageIsRepaired runs as an ordinary user already")
	}
	asUser(t, "TestDamageIsRepaired|TestFlippedByteInEveryFile")
}

// Between starts, when no lock is held, Windows lets the state go as well.
func TestStateDeletedBetweenStarts(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, sample())
	tree, release := hold(t, payload)
	release()
	mustDo(t, os.RemoveAll(tree+stateSuffix))
	e := start(t, payload)
	if e.GetExtractedPath() != tree {
		t.Errorf("extracted to %s, not %s", e.GetExtractedPath(), tree)
	}
	mustDo(t, e.Verify())
}

func TestVerifyFullSeesWhatStatsDoNot(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, sample())
	e := start(t, payload)
	path := filepath.Join(e.GetExtractedPath(), "lib", "same.py")
	flip(t, path)
	// The marker is made to agree with the changed file.
	m, err := readMarker(e.at.place.markerPath())
	mustDo(t, err)
	for i := range m.entries {
		if m.entries[i].name == "lib/same.py" {
			m.entries[i].stamp, err = stampOf(path)
			mustDo(t, err)
		}
	}
	mustDo(t, m.publish(e.at.place.markerPath()))
	if start(t, payload); e.Verify() == nil {
		t.Fatal("the test does not fool a default start")
	}
	start(t, payload, WithVerify(VerifyFull))
	mustDo(t, e.Verify())
}

func TestRepairDropsCachesOfAModule(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, append(sample(),
		node{name: "lib/pkg/__pycache__/"},
		node{name: "lib/pkg/__pycache__/mod.shipped-1.pyc", content: "shipped"}))
	e := start(t, payload)
	cache := filepath.Join(e.GetExtractedPath(), "lib", "pkg", "__pycache__")
	for _, name := range []string{"mod.cpython-314.pyc", "model.cpython-314.pyc"} {
		mustDo(t, os.WriteFile(filepath.Join(cache, name), []byte("compiled"), 0o644))
	}
	mustDo(t, os.WriteFile(filepath.Join(e.GetExtractedPath(), "lib", "pkg", "mod.py"), []byte("evil"), 0o644))
	start(t, payload)
	var names []string
	files, err := os.ReadDir(cache)
	mustDo(t, err)
	for _, f := range files {
		names = append(names, f.Name())
	}
	if got := strings.Join(names, " "); got != "mod.shipped-1.pyc model.cpython-314.pyc" {
		t.Errorf("caches are now %s", got)
	}
}

// Content may be lost in a power failure while sizes and times are kept, so a
// marker from before the last boot is not taken at its word.
func TestMarkerOfAnotherBoot(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, sample())
	e := start(t, payload)
	path := filepath.Join(e.GetExtractedPath(), "lib", "same.py")
	mustDo(t, os.WriteFile(path, []byte("\x00\x00\x00\x00\x00\x00"), 0o644))
	m, err := readMarker(e.at.place.markerPath())
	mustDo(t, err)
	for i := range m.entries {
		if m.entries[i].name == "lib/same.py" {
			m.entries[i].stamp, err = stampOf(path)
			mustDo(t, err)
		}
	}
	m.boot = "1"
	mustDo(t, m.publish(e.at.place.markerPath()))
	start(t, payload)
	mustDo(t, e.Verify())
	if again := start(t, payload); again.at.fresh {
		t.Error("hashed again in the same boot")
	}
}
