package extract

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goempy/goempy/internal/osfs"
)

// workPrefix begins the names of working directories.
const workPrefix = "work-"

// workGrace is how long a working directory without a lock is taken for one that is being
// made.
const workGrace = time.Hour

// WorkDir is a private directory of this user for files that are needed for a while. It
// holds a lock, so that one whose process was killed is found and removed by the next
// process that makes one.
type WorkDir struct {
	path string
	lock *osfs.FileLock
}

// NewWorkDir makes an empty directory in the temp dir, or where that cannot be used, in the
// cache dir. Its errors are those of Named.
func NewWorkDir() (*WorkDir, error) {
	var failed []error
	locs := namedLocations("", strings.Repeat("0", hashLen), trustedDirs(nil))
	for i := range locs {
		w, err := newWorkDir(&locs[i])
		if err == nil {
			return w, nil
		}
		failed = append(failed, &locationError{&locs[i], err})
	}
	return nil, joinErrors(failed)
}

func newWorkDir(loc *Location) (*WorkDir, error) {
	if err := loc.prepareRoot(); err != nil {
		return nil, err
	}
	sweepWorkDirs(loc.root)
	for {
		path, err := os.MkdirTemp(loc.root, workPrefix)
		if err != nil {
			return nil, err
		}
		lock, err := osfs.TakeLock(context.Background(), workLock(path), osfs.WaitExclusive)
		if err == nil {
			return &WorkDir{path, lock}, nil
		}
		_ = os.RemoveAll(path)
		if !errors.Is(err, osfs.ErrGone) { // swept before it was locked
			return nil, err
		}
	}
}

// Path returns the directory, which has one file in it, the lock.
func (w *WorkDir) Path() string { return w.path }

// Remove removes the directory with all that is in it.
func (w *WorkDir) Remove() {
	w.lock.CloseAndRemove()
	_ = osfs.RemoveAll(w.path)
}

func workLock(dir string) string { return filepath.Join(dir, ".lock") }

// sweepWorkDirs removes the directories of dead processes.
func sweepWorkDirs(root string) {
	files, err := os.ReadDir(root)
	if err != nil {
		return
	}
	for _, f := range files {
		dir := filepath.Join(root, f.Name())
		if !f.IsDir() || !strings.HasPrefix(f.Name(), workPrefix) {
			continue
		}
		info, err := f.Info()
		if err != nil {
			continue
		}
		age := time.Since(info.ModTime())
		if _, err := os.Lstat(workLock(dir)); errors.Is(err, fs.ErrNotExist) && age < workGrace {
			continue
		}
		lock, err := osfs.TakeLock(context.Background(), workLock(dir), osfs.TryExclusive)
		if err != nil || lock == nil {
			continue
		}
		if !lock.Enforced() && age < abandonedAge {
			_ = lock.Close()
			continue
		}
		lock.CloseAndRemove()
		_ = osfs.RemoveAll(dir)
	}
}
