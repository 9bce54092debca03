package embed_util

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStartCheck(t *testing.T) {
	dir := ownPlaces(t)
	payload := pack(t, sample())
	var seen []string
	refuse := errors.New("does not run")
	check := WithStartCheck(func(tree string) error {
		seen = append(seen, tree)
		if _, err := os.Stat(filepath.Join(tree, "bin", "python3")); err != nil {
			t.Error(err)
		}
		return refuse
	})
	if _, err := NewEmbeddedFiles(os.DirFS(payload), "test", check); !errors.Is(err, refuse) {
		t.Errorf("error: %v", err)
	}
	if len(seen) != 1 {
		t.Errorf("checked %q", seen)
	}
	if _, err := os.Lstat(seen[0]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the tree was left: %v", err)
	}

	// What may not run in one place may run in the next.
	refuse = fmt.Errorf("fork/exec: %w", fs.ErrPermission)
	fallback := WithStartCheck(func(tree string) error {
		if strings.HasPrefix(tree, filepath.Join(dir, "tmp")) {
			return refuse
		}
		return nil
	})
	e := start(t, payload, fallback)
	if strings.HasPrefix(e.GetExtractedPath(), filepath.Join(dir, "tmp")) {
		t.Errorf("extracted to %s", e.GetExtractedPath())
	}

	// It is asked after files were written, and not otherwise.
	start(t, payload, check)
	mustDo(t, os.Remove(filepath.Join(e.GetExtractedPath(), "lib", "same.py")))
	seen = nil
	refuse = nil
	start(t, payload, check)
	if len(seen) == 0 {
		t.Error("not checked after a repair")
	}
}
