package extract

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// A Python of any place may import from a tree of packages.
func TestCleanupWhilePythonImports(t *testing.T) {
	testtree.OwnPlaces(t)
	e := start(t, testpayload.Pack(t, testtree.Sample()))
	elsewhere := t.TempDir()
	testtree.Make(t, elsewhere, []testtree.Node{ownProgram(t, "python3")})
	t.Setenv("PYTHONPATH", "/nonexistent:"+filepath.Join(e.Dir(), "lib"))
	end := running(t, filepath.Join(elsewhere, "python3"))
	if err := e.Cleanup(); !errors.Is(err, osfs.ErrInUse) {
		t.Errorf("Cleanup: %v", err)
	}
	end()
	testtree.Must(t, e.Cleanup())
}

// A place may be reached through symlinks; the system knows programs by their real paths.
func TestCleanupThroughASymlink(t *testing.T) {
	dir := t.TempDir()
	testtree.Must(t, os.Mkdir(filepath.Join(dir, "real"), 0o700))
	testtree.Must(t, os.Symlink("real", filepath.Join(dir, "link")))
	packed := plainDir(t, ownProgram(t, "program.exe"))
	e := cleaned(t)(openGiven(os.DirFS(packed), filepath.Join(dir, "link", "tree"), false))
	end := running(t, filepath.Join(e.Dir(), "program.exe"))
	if err := e.Cleanup(); !errors.Is(err, osfs.ErrInUse) {
		t.Errorf("Cleanup: %v", err)
	}
	end()
	testtree.Must(t, e.Cleanup())
	mustBeGone(t, e.Dir(), filepath.Join(dir, "real", "tree"))
}

// An interpreter runs a script, and an emulator a program, of the tree.
func TestCleanupWhileAScriptRuns(t *testing.T) {
	testtree.OwnPlaces(t)
	e := start(t, testpayload.Pack(t, []testtree.Node{{Name: "wait", Content: "#!/bin/sh\nread x || true\n", Perm: 0o755}}))
	end := running(t, filepath.Join(e.Dir(), "wait"))
	if err := e.Cleanup(); !errors.Is(err, osfs.ErrInUse) {
		t.Errorf("Cleanup: %v", err)
	}
	end()
	testtree.Must(t, e.Cleanup())
}
