package extract

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

func TestDamageIsRepaired(t *testing.T) { testpayload.EachLayout(t, testDamageIsRepaired) }

func testDamageIsRepaired(t *testing.T, opts ...payload.PackOptions) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample(), opts...)
	e := start(t, packed)
	tree := e.Dir()
	want := testtree.Dump(t, tree)
	in := func(name string) string { return filepath.Join(tree, filepath.FromSlash(name)) }
	elsewhere := t.TempDir()
	testtree.Make(t, elsewhere, testtree.Sample())

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
			testtree.Must(t, os.Remove(in("bin/python3")))
			return os.Symlink("/bin/sh", in("bin/python3"))
		}},
		{"symlink became a file", true, func() error {
			testtree.Must(t, os.Remove(in("bin/python3")))
			return os.WriteFile(in("bin/python3"), []byte("#!/bin/sh\n"), 0o755)
		}},
		{"file became a symlink", true, func() error {
			testtree.Must(t, os.Remove(in("lib/same.py")))
			return os.Symlink(filepath.Join(elsewhere, "lib", "same.py"), in("lib/same.py"))
		}},
		{"file became a folder", false, func() error {
			testtree.Must(t, os.Remove(in("lib/same.py")))
			return os.MkdirAll(in("lib/same.py/deep"), 0o755)
		}},
		{"folder became a file", false, func() error {
			testtree.Must(t, os.RemoveAll(in("lib/pkg")))
			return os.WriteFile(in("lib/pkg"), nil, 0o644)
		}},
		{"folder replaced by another", false, func() error {
			testtree.Must(t, os.Rename(in("lib/pkg"), filepath.Join(elsewhere, "moved1")))
			testtree.Must(t, os.Mkdir(in("lib/pkg"), 0o755))
			return os.WriteFile(in("lib/pkg/mod.py"), []byte("evil"), 0o644)
		}},
		{"folder replaced by a symlink", true, func() error {
			testtree.Must(t, os.Rename(in("lib/pkg"), filepath.Join(elsewhere, "moved2")))
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
			testtree.Must(t, os.WriteFile(filepath.Join(tree+stateSuffix, "marker"), []byte("junk"), 0o600))
			return os.WriteFile(in("lib/same.py"), []byte("x = 2\n"), 0o644)
		}},
		{"state deleted", true, func() error { return os.RemoveAll(tree + stateSuffix) }},
		{"left by a kill", false, func() error {
			testtree.Must(t, os.MkdirAll(filepath.Join(tree+stateSuffix, "new-1-1", "lib"), 0o755))
			testtree.Must(t, os.MkdirAll(filepath.Join(tree+stateSuffix, "old-1-1", "lib", "x"), 0o755))
			testtree.Must(t, os.Chmod(filepath.Join(tree+stateSuffix, "old-1-1", "lib"), 0))
			testtree.Must(t, os.MkdirAll(filepath.Join(tree, stageName), 0o700))
			testtree.Must(t, os.MkdirAll(filepath.Join(tree, stageName+"-1-2"), 0o700)) // by one without locks
			return os.Remove(in("lib/same.py"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.unix && runtime.GOOS == "windows" {
				t.Skip("Windows has no symlinks and no permission bits, and keeps open files")
			}
			testtree.Must(t, c.damage())
			start(t, packed)
			if got := testtree.Dump(t, tree); got != want {
				t.Fatalf("tree is now:\n%s\nwant:\n%s", got, want)
			}
			left, _ := filepath.Glob(filepath.Join(tree+stateSuffix, "*-*"))
			if len(left) > 0 {
				t.Errorf("left: %q", left)
			}
			testtree.Must(t, e.Verify())
			if again := start(t, packed); again.at.fresh {
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
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	tree, release := hold(t, packed)
	release()
	testtree.Must(t, os.RemoveAll(tree+stateSuffix))
	e := start(t, packed)
	if e.Dir() != tree {
		t.Errorf("extracted to %s, not %s", e.Dir(), tree)
	}
	testtree.Must(t, e.Verify())
}

func TestRepairDropsCachesOfAModule(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, append(testtree.Sample(),
		testtree.Node{Name: "lib/pkg/__pycache__/"},
		testtree.Node{Name: "lib/pkg/__pycache__/mod.shipped-1.pyc", Content: "shipped"}))
	e := start(t, packed)
	cache := filepath.Join(e.Dir(), "lib", "pkg", "__pycache__")
	for _, name := range []string{"mod.cpython-314.pyc", "model.cpython-314.pyc"} {
		testtree.Must(t, os.WriteFile(filepath.Join(cache, name), []byte("compiled"), 0o644))
	}
	testtree.Must(t, os.WriteFile(filepath.Join(e.Dir(), "lib", "pkg", "mod.py"), []byte("evil"), 0o644))
	start(t, packed)
	var names []string
	files, err := os.ReadDir(cache)
	testtree.Must(t, err)
	for _, f := range files {
		names = append(names, f.Name())
	}
	if got := strings.Join(names, " "); got != "mod.shipped-1.pyc model.cpython-314.pyc" {
		t.Errorf("caches are now %s", got)
	}
}
