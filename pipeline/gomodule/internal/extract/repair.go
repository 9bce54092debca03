package extract

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/payload"
)

// stageName is the folder in a tree where repaired files are written before
// they are renamed into place. It is there only while a repair runs.
const stageName = ".goempy-new"

// repairer compares a tree with its plan and, with fix, repairs it file by file.
// A running program may be using the tree: files are replaced by rename, never
// written to.
type repairer struct {
	tree string
	plan []payload.Entry
	only map[string]bool // the names to look at; nil for all
	from payload.Source
	fix  bool

	stage string // a folder in the tree, and
	aside string // the state directory; only for fix

	into  *osfs.DirWriter
	next  atomic.Int64
	mu    sync.Mutex
	found map[string]string // name → what was wrong
}

// run goes through folders, then files, then symlinks. Its result maps the
// names that differed to what was wrong with them.
func (r *repairer) run(ctx context.Context) (map[string]string, error) {
	r.found = make(map[string]string)
	if r.fix {
		end, err := r.begin()
		if err != nil {
			return nil, err
		}
		defer end()
	}
	var files, links []*payload.Entry
	for i := range r.plan {
		e := &r.plan[i]
		switch {
		case r.only != nil && !r.only[e.Name]:
		case e.IsDir():
			if err := r.dir(e); err != nil {
				return r.found, err
			}
		case e.IsSymlink():
			links = append(links, e)
		default:
			files = append(files, e)
		}
	}
	if err := r.files(ctx, files); err != nil {
		return r.found, err
	}
	for _, e := range links {
		if err := r.link(e); err != nil {
			return r.found, err
		}
	}
	return r.found, nil
}

func (r *repairer) begin() (func(), error) {
	if err := osfs.MkdirAll(r.tree, 0o700); err != nil {
		return nil, err
	}
	into, err := osfs.OpenDirWriter(r.tree)
	if err != nil {
		return nil, err
	}
	stage := filepath.Join(r.tree, r.stage)
	err = os.RemoveAll(stage)
	if err == nil {
		err = osfs.Mkdir(stage, 0o700)
	}
	if err != nil {
		into.Close()
		return nil, err
	}
	r.into = into
	return func() {
		into.Close()
		_ = os.RemoveAll(stage)
	}, nil
}

func (r *repairer) dir(e *payload.Entry) error {
	st, ok, err := r.kind(e)
	if err != nil || ok || !r.fix {
		return err
	}
	if st != nil {
		if err := os.Remove(r.path(e)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	err = populateDir(r.into, e)
	if st, again := os.Lstat(r.path(e)); errors.Is(err, fs.ErrExist) && again == nil && st.IsDir() {
		return nil // without locks, another process was faster
	}
	return err
}

// files compares first and writes then, so that a payload in one stream is
// decoded once for all that differ.
func (r *repairer) files(ctx context.Context, files []*payload.Entry) error {
	differ := make([]bool, len(files))
	err := payload.Parallel(ctx, len(files), func(i int) (err error) {
		differ[i], err = r.differs(files[i])
		return err
	})
	if err != nil || !r.fix {
		return err
	}
	var bad []*payload.Entry
	for i, e := range files {
		if differ[i] {
			bad = append(bad, e)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return r.from.WriteAll(ctx, bad, r.replace, r.into.Open)
}

// replace puts an entry's content where something else, or nothing, is.
func (r *repairer) replace(e *payload.Entry, content payload.Content) error {
	if st, err := os.Lstat(r.path(e)); err == nil && st.IsDir() {
		if err := os.RemoveAll(r.path(e)); err != nil {
			return err
		}
	}
	beside := r.stage + "/" + strconv.FormatInt(r.next.Add(1), 10)
	if err := populateFile(r.into, beside, e, content); err != nil {
		return err
	}
	// Before, so that a cache that cannot be removed is tried again by the next
	// start; and after, since a program may have compiled the old source meanwhile.
	if err := r.dropCaches(e); err != nil {
		return err
	}
	if err := r.rename(r.tree+string(filepath.Separator)+filepath.FromSlash(beside), e); err != nil {
		return err
	}
	return r.dropCaches(e)
}

// rename puts a file that is ready in an entry's location. On Windows the file of a
// running program is moved to aside, and removed by a later start.
func (r *repairer) rename(from string, e *payload.Entry) error {
	old := uniqueName(oldPrefix) + "-" + strconv.FormatInt(r.next.Add(1), 10)
	return osfs.ReplaceFile(from, r.path(e), filepath.Join(r.aside, old))
}

// dropCaches removes what Python compiled from a module that was changed. Its
// caches go by the source's size and time in seconds, which may be the same.
func (r *repairer) dropCaches(e *payload.Entry) error {
	stem, isModule := strings.CutSuffix(filepath.Base(filepath.FromSlash(e.Name)), ".py")
	if !isModule {
		return nil
	}
	cache := filepath.Join(filepath.Dir(r.path(e)), "__pycache__")
	files, err := os.ReadDir(cache)
	if err != nil {
		return nil // no caches
	}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), stem+".") || !strings.HasSuffix(f.Name(), ".pyc") {
			continue
		}
		name := strings.TrimPrefix(payload.ParentDir(e.Name)+"/__pycache__/"+f.Name(), "/")
		if r.isPlanned(name) {
			continue
		}
		if err := os.Remove(filepath.Join(cache, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (r *repairer) link(e *payload.Entry) error {
	st, ok, err := r.kind(e)
	if err != nil {
		return err
	}
	if ok {
		target, err := os.Readlink(r.path(e))
		if err != nil {
			return err
		}
		if target == e.Symlink {
			return nil
		}
		r.note(e, "points to %q", target)
	}
	if !r.fix {
		return nil
	}
	if st != nil && st.IsDir() {
		if err := os.RemoveAll(r.path(e)); err != nil {
			return err
		}
	}
	beside := filepath.Join(r.tree, r.stage, strconv.FormatInt(r.next.Add(1), 10))
	if err := os.Symlink(e.Symlink, beside); err != nil {
		return err
	}
	return r.rename(beside, e)
}
