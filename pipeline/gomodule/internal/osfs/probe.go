package osfs

import (
	"os"
	"path/filepath"
	"runtime"
)

// LacksSymlinks finds out whether dir's file system refuses symlinks. On Windows
// they take a privilege that users do not have, so copies are the rule there.
func LacksSymlinks(dir string) bool {
	if runtime.GOOS == "windows" {
		return true
	}
	probe := filepath.Join(dir, "new-link")
	_ = os.Remove(probe)
	if err := os.Symlink("target", probe); err != nil {
		return refusesSymlinks(err)
	}
	_ = os.Remove(probe)
	return false
}

// FoldsCase finds out whether dir's file system takes names that differ only
// in case as one.
func FoldsCase(dir string) bool {
	probe := filepath.Join(dir, "new-case")
	if err := WritePrivate(probe, nil); err != nil {
		return false
	}
	defer os.Remove(probe)
	_, err := os.Lstat(filepath.Join(dir, "NEW-CASE"))
	return err == nil
}
