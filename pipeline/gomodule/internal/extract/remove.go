package extract

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/procgroup"
)

// lockIf takes the lock at once or not at all. One that keeps nobody off is not taken.
func lockIf(ctx context.Context, path string) (*osfs.FileLock, bool) {
	l, err := osfs.TakeLock(ctx, path, osfs.TryExclusive)
	if err != nil || l == nil {
		return nil, false
	}
	if !l.Enforced() {
		_ = l.Close()
		return nil, false
	}
	return l, true
}

// removeUnused removes a tree and its state directory, unless a process uses
// or extracts it. From a directory that the caller named it takes the entries
// only, and the directory if nothing else is in it. It reports whether there was
// a tree that is now gone.
func removeUnused(ctx context.Context, loc *Location, entries []markerEntry) (bool, error) {
	lock, ok := lockIf(ctx, loc.lockPath())
	if !ok {
		return false, nil
	}
	defer lock.Close()
	users, ok := lockIf(ctx, loc.usePath())
	if !ok {
		return false, nil
	}
	defer users.Close()
	dir, err := lockDir(ctx, loc.state(), osfs.TryExclusive)
	if err != nil {
		return false, nil
	}
	defer dir.Close()
	// Users who may only read a tree hold nothing else.
	tree, err := lockDir(ctx, loc.tree, osfs.TryExclusive)
	if errors.Is(err, errHeld) {
		return false, nil
	}
	defer tree.Close()
	_, err = os.Lstat(loc.tree)
	existed := err == nil
	if err := removeTree(loc, entries); err != nil {
		return false, err
	}
	sweep(loc.state(), true, newPrefix, oldPrefix)
	// Processes that wait for these locks notice that the files are gone and make
	// the directory anew. The directory stays if one of them has been faster.
	users.CloseAndRemove()
	lock.CloseAndRemove()
	_ = os.Remove(loc.state())
	return existed, nil
}

// removeTree removes what removeUnused has locked. A tree that programs run from stays, and
// the error matches ErrInUse.
func removeTree(loc *Location, entries []markerEntry) error {
	err := loc.checkTree()
	if err == nil {
		err = osfs.CheckNotRunning(procgroup.IsHelper, loc.programDirs()...)
	}
	switch {
	case loc.prefix != "" && err == nil:
		err = discard(loc)
	case loc.prefix == "" && err == nil:
		if err = removeEntries(loc, entries, nil); err == nil {
			_ = os.Remove(loc.tree)
		}
	}
	if err != nil {
		return fmt.Errorf("%s could not be removed: %w", loc.tree, err)
	}
	_ = os.Remove(loc.markerPath())
	return nil
}

// removeEntries removes files of a payload, Python's caches beside them, and
// folders that are empty then. It goes through no symlink to elsewhere. The file
// of a running program is moved to the state directory if Windows keeps it; for
// any other open file the error matches ErrInUse.
func removeEntries(loc *Location, entries []markerEntry, keep map[string]bool) error {
	root, err := os.OpenRoot(loc.tree)
	if err != nil {
		return nil
	}
	defer root.Close()
	aside := filepath.Join(loc.state(), uniqueName(oldPrefix)+"-")
	var inUse error
	for i := len(entries) - 1; i >= 0; i-- { // what is in a folder comes first
		e := &entries[i]
		if keep[e.name] || e.name == "." || payload.CheckName(e.name) != nil {
			continue
		}
		if e.dir {
			removeCaches(root, filepath.Join(filepath.FromSlash(e.name), "__pycache__"))
		}
		err := osfs.RemoveFile(root, filepath.FromSlash(e.name), aside+strconv.Itoa(i))
		if inUse == nil && osfs.IsInUse(err) {
			inUse = err
		}
	}
	return osfs.InUseError(inUse, loc.programDirs()...)
}

// removeCaches removes a folder with the files in it.
func removeCaches(root *os.Root, name string) {
	dir, err := root.Open(name)
	if err != nil {
		return
	}
	files, _ := dir.Readdirnames(-1)
	dir.Close()
	for _, f := range files {
		_ = root.Remove(filepath.Join(name, f))
	}
	_ = root.Remove(name)
}

// programDirs are the folders that programs of a tree may run from: on Windows those that
// were replaced while they were running are in the state directory.
func (loc *Location) programDirs() []string {
	if runtime.GOOS == "windows" {
		return []string{loc.tree, loc.state()}
	}
	return []string{loc.tree}
}

// discard takes a tree away in one step and then removes it. The caller holds
// the lock. On Windows the files of a tree that programs run from stay, and the
// error matches ErrInUse.
func discard(loc *Location) error {
	_ = os.Remove(loc.markerPath())
	old := filepath.Join(loc.state(), uniqueName(oldPrefix))
	err := osfs.Rename(loc.tree, old)
	if osfs.IsInUse(err) {
		return osfs.InUseError(err, loc.programDirs()...)
	}
	if err != nil {
		old = loc.tree
	}
	return osfs.InUseError(osfs.RemoveAll(old), loc.programDirs()...)
}
