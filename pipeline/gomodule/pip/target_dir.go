package pip

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/payload"
)

// isGitFile reports a file that says how git treats a directory.
func isGitFile(f fs.DirEntry) bool {
	return f.Type().IsRegular() && (f.Name() == ".gitignore" || f.Name() == ".gitattributes")
}

// keepGitFiles copies such files of dst to stage.
func keepGitFiles(stage, dst string) error {
	files, err := os.ReadDir(dst)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, f := range files {
		if !isGitFile(f) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dst, f.Name()))
		if err == nil {
			err = osfs.WriteFile(filepath.Join(stage, f.Name()), text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// replaceable refuses to replace a directory that holds something else than
// packages, such as a caller's whole module, or other platforms' packages.
func replaceable(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("pip: %w", err)
	}
	packages, foreign := false, ""
	for _, f := range files {
		name := f.Name()
		switch {
		case name == payload.ManifestName:
			packages = true
		case name == "embed.go" || isGitFile(f):
		case foreign == "" || strings.HasSuffix(name, ".go") || name == "go.mod" || name == ".git":
			foreign = name
		}
	}
	mustKeep := strings.HasSuffix(foreign, ".go") || foreign == "go.mod" || foreign == ".git"
	if foreign != "" && (mustKeep || !packages) {
		return fmt.Errorf("pip: %s would be replaced as a whole, and %s in it would be lost: "+
			"choose a directory of its own, or empty it first", dir, foreign)
	}
	return nil
}
