package pip

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// checkEditable refuses what was installed with -e. Such a package is a .pth
// file with the path of its source: nothing of it would be packed, and the
// program would look for it in a folder of the machine that has installed it.
func checkEditable(t *target, site string) error {
	records, err := fs.Glob(os.DirFS(site), "*.dist-info/direct_url.json")
	if err != nil {
		return fmt.Errorf("pip: %w", err)
	}
	var errs []error
	for _, name := range records {
		url, err := editableURL(filepath.Join(site, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("pip: install for %s: %w", t.name, err)
		}
		if url != "" {
			errs = append(errs, fmt.Errorf("pip: install for %s: %s is an editable install, "+
				"which has no files to pack: require it without -e", t.name, url))
		}
	}
	return errors.Join(errs...)
}

// editableURL returns where an editable install comes from by its
// direct_url.json, "" for another.
func editableURL(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var record struct {
		URL string `json:"url"`
		Dir struct {
			Editable bool `json:"editable"`
		} `json:"dir_info"`
	}
	if err := json.Unmarshal(text, &record); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	if !record.Dir.Editable {
		return "", nil
	}
	return record.URL, nil
}
