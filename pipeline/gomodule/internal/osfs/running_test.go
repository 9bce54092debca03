package osfs

import (
	"path/filepath"
	"testing"
)

func TestIsIn(t *testing.T) {
	dir := filepath.FromSlash("/a/python-1")
	for path, want := range map[string]bool{
		"/a/python-1": true, "/a/python-1/bin/python3": true,
		"/a/python-12/bin/python3": false, "/a": false, "/A/PYTHON-1/x": foldsNames, "": false,
	} {
		if got := isIn(filepath.FromSlash(path), dir); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
