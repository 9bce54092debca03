package embed_util

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestSafeName(t *testing.T) {
	for name, want := range map[string]string{"myapp": "myapp", "../x": ".._x", `a/b\c`: "a_b_c", "a\x00b": "a_b"} {
		if got := safeName(name); got != want {
			t.Errorf("safeName(%q) is %q", name, got)
		}
	}
}

func TestPlantedSymlinkOfOneself(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs symlinks")
	}
	dir := ownPlaces(t)
	payload := pack(t, sample())
	e := start(t, payload)
	tree := e.GetExtractedPath()
	mustDo(t, e.Cleanup())
	victim := t.TempDir()
	mustDo(t, os.Symlink(victim, tree))
	e = start(t, payload)
	if strings.HasPrefix(e.GetExtractedPath(), filepath.Join(dir, "tmp")) {
		t.Errorf("extracted to %s", e.GetExtractedPath())
	}
	_, err := NewEmbeddedFilesWithTmpDir(os.DirFS(payload), tree, false)
	if !errors.Is(err, ErrUnsafeDir) || !strings.Contains(err.Error(), "is a symlink") {
		t.Errorf("error: %v", err)
	}
	if files, _ := os.ReadDir(victim); len(files) > 0 {
		t.Errorf("written through the symlink: %v", files)
	}
}

func TestOpenDirectoriesAreRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs permission bits")
	}
	dir := ownPlaces(t)
	payload := pack(t, sample())
	e := start(t, payload)
	root := filepath.Dir(e.GetExtractedPath())
	mustDo(t, os.Chmod(root, 0o755))
	other := start(t, payload)
	if want := filepath.Join(dir, "cache", "goempy"); filepath.Dir(other.GetExtractedPath()) != want {
		t.Errorf("extracted to %s", other.GetExtractedPath())
	}
	open := filepath.Join(dir, "open")
	mustDo(t, os.Mkdir(open, 0o700))
	mustDo(t, os.Chmod(open, 0o777))
	_, err := NewEmbeddedFilesWithTmpDir(os.DirFS(payload), open, false)
	if !errors.Is(err, ErrUnsafeDir) || !strings.Contains(err.Error(), open) {
		t.Errorf("error: %v", err)
	}
}

func TestNoPlaceAtAll(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the places of Windows have other variables")
	}
	dir := ownPlaces(t)
	payload := pack(t, sample())
	file := filepath.Join(dir, "file")
	mustDo(t, os.WriteFile(file, nil, 0o600))
	t.Setenv("TMPDIR", filepath.Join(file, "no"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(file, "neither"))
	_, err := NewEmbeddedFiles(os.DirFS(payload), "test")
	if err == nil || !strings.Contains(err.Error(), "temp dir") || !strings.Contains(err.Error(), "cache dir") {
		t.Errorf("error: %v", err)
	}
}
