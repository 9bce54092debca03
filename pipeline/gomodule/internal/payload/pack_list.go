package payload

import (
	"fmt"
	"path/filepath"

	"github.com/goempy/goempy/internal/osfs"
)

// WriteFileList lists the files in dir in a manifest in dir, as go-embed-python reads it.
func WriteFileList(dir string) error {
	entries, err := scanDir(dir, ManifestName)
	if err != nil {
		return err
	}
	if err := hashAll(dir, entries, nil); err != nil {
		return fmt.Errorf("embed_util: list %s: %w", dir, err)
	}
	return osfs.WriteFile(filepath.Join(dir, ManifestName), encodeLegacy(entries))
}
