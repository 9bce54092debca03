package extract

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goempy/goempy/internal/osfs"
)

// newPrefix and oldPrefix begin the names of directories that belong to the
// holder of the lock: one that is found under the lock was left by a process
// that is dead.
const (
	newPrefix = "new-"
	oldPrefix = "old-"
)

// abandonedAge is how old something is that no living process is working on, where no lock
// says so. Clocks of file servers may differ by hours from this system's.
const abandonedAge = 24 * time.Hour

// sweep removes what dead processes have left in dir, with names that begin with one of the
// prefixes: all of that under the lock, and what is old where there are no locks.
func sweep(dir string, locked bool, prefixes ...string) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, f := range files {
		if !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(f.Name(), prefix) }) {
			continue
		}
		if !locked {
			if info, err := f.Info(); err != nil || time.Since(info.ModTime()) < abandonedAge {
				continue
			}
		}
		_ = osfs.RemoveAll(filepath.Join(dir, f.Name()))
	}
}

// uniqueName makes names that cannot be left over from an earlier run.
func uniqueName(prefix string) string {
	return fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), time.Now().UnixNano())
}

// sharedTemp says that a temp dir is the one of all Windows services, where
// permissions are not looked at here.
func sharedTemp(goos, temp, systemRoot string) bool {
	clean := func(s string) string { return strings.ToLower(strings.TrimRight(strings.ReplaceAll(s, "/", `\`), `\`)) }
	return goos == "windows" && systemRoot != "" && clean(temp) == clean(systemRoot)+`\temp`
}

// safeName keeps a caller's name from naming another folder.
func safeName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || strings.ContainsRune(`/\<>:;"|?*`, r) {
			return '_'
		}
		return r
	}, name)
}

// hasHash says whether name is prefix followed by a directory's hash.
func hasHash(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok || len(rest) != hashLen {
		return false
	}
	return strings.Trim(rest, "0123456789abcdef") == ""
}
