package pip

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goempy/goempy/internal/osfs"
)

// A result is made in a folder beside its place, <stagePrefix><name>.<random>.
// What it replaces has the same name with oldSuffix for a moment.
const (
	stagePrefix = ".goempy-"
	oldSuffix   = ".old"
)

// newStage makes an empty folder beside dst, after removing what runs that
// were killed have left there. A result that such a run has moved away and not
// replaced is put back.
func newStage(dst string) (string, error) {
	parent := filepath.Dir(dst)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	prefix := stagePrefix + filepath.Base(dst) + "."
	files, err := os.ReadDir(parent)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if !f.IsDir() || !strings.HasPrefix(f.Name(), prefix) {
			continue
		}
		left := filepath.Join(parent, f.Name())
		if _, err := os.Lstat(dst); errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(left, oldSuffix) {
			err = osfs.Rename(left, dst)
			if err != nil {
				return "", err
			}
			continue
		}
		if err := os.RemoveAll(left); err != nil {
			return "", err
		}
	}
	stage, err := os.MkdirTemp(parent, prefix+"*")
	if err != nil {
		return "", err
	}
	// Sources are for everyone, unlike what MkdirTemp makes.
	if err := os.Chmod(stage, 0o755); err != nil {
		_ = os.RemoveAll(stage)
		return "", err
	}
	return stage, nil
}

// replaceDir puts stage in the place of dst. When that fails, dst is what it
// was.
func replaceDir(stage, dst string) error {
	old := stage + oldSuffix
	err := osfs.Rename(dst, old)
	if errors.Is(err, fs.ErrNotExist) {
		return osfs.Rename(stage, dst)
	}
	if err != nil {
		return err
	}
	if err := osfs.Rename(stage, dst); err != nil {
		if back := osfs.Rename(old, dst); back != nil {
			return errors.Join(err, fmt.Errorf("the earlier result is in %s: %w", old, back))
		}
		return err
	}
	// The result is in place. What cannot be removed, as on Windows when an
	// editor looks at it, is left to newStage of the next run.
	_ = os.RemoveAll(old)
	return nil
}
