package embed_util

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// stageName is the folder in a tree where repaired files are written before
// they are renamed into place. It is there only while a repair runs.
const stageName = ".goempy-new"

// repairer compares a tree with its plan and, with fix, mends it file by file.
// A running program may be using the tree: files are replaced by rename, never
// written to.
type repairer struct {
	tree string
	plan []entry
	only map[string]bool // the names to look at; nil for all
	from contents
	fix  bool

	aside string // the state directory; only for fix

	into  *tree
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
	var files, links []*entry
	for i := range r.plan {
		e := &r.plan[i]
		switch {
		case r.only != nil && !r.only[e.name]:
		case e.isDir():
			if err := r.dir(e); err != nil {
				return r.found, err
			}
		case e.isSymlink():
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
	if err := makeAll(r.tree); err != nil {
		return nil, err
	}
	into, err := openTree(r.tree)
	if err != nil {
		return nil, err
	}
	stage := filepath.Join(r.tree, stageName)
	err = os.RemoveAll(stage)
	if err == nil {
		err = makeDir(stage)
	}
	if err != nil {
		into.close()
		return nil, err
	}
	r.into = into
	return func() {
		into.close()
		_ = os.RemoveAll(stage)
	}, nil
}

func (r *repairer) path(e *entry) string { return r.tree + sep + fromSlash(e.name) }

// note records what is wrong and says whether to mend it.
func (r *repairer) note(e *entry, format string, args ...any) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found[e.name] = fmt.Sprintf(format, args...)
	return r.fix
}

// kind compares type and permissions. It returns ok when content can be
// compared, which it cannot when the entry is missing or of another type.
func (r *repairer) kind(e *entry) (st fs.FileInfo, ok bool, err error) {
	st, err = os.Lstat(r.path(e))
	switch {
	case errors.Is(err, fs.ErrNotExist), isNotDir(err):
		r.note(e, "is missing")
		return nil, false, nil
	case errors.Is(err, fs.ErrPermission) && !r.fix:
		r.note(e, "cannot be looked at: %v", err)
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case st.Mode().Type() != e.mode.Type():
		r.note(e, "is a %s", typeName(st.Mode()))
		return st, false, nil
	}
	// Folders may have bits that their folder hands down.
	bits := fs.ModePerm
	if e.isRegular() {
		bits |= fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	}
	if runtime.GOOS == "windows" || e.isSymlink() || st.Mode()&bits == e.perm() {
		return st, true, nil
	}
	if r.note(e, "has mode %v, not %v", st.Mode()&bits, e.perm()) {
		// First of all, since it may be what keeps us from reading it.
		if err := os.Chmod(r.path(e), e.perm()); err != nil {
			return nil, false, err
		}
	}
	return st, true, nil
}

func (r *repairer) dir(e *entry) error {
	st, ok, err := r.kind(e)
	if err != nil || ok || !r.fix {
		return err
	}
	if st != nil {
		if err := os.Remove(r.path(e)); err != nil {
			return err
		}
	}
	return fillDir(r.into, e)
}

// files compares first and writes then, so that a payload in one stream is
// decoded once for all that differ.
func (r *repairer) files(ctx context.Context, files []*entry) error {
	differ := make([]bool, len(files))
	err := parallel(ctx, len(files), func(i int) (err error) {
		differ[i], err = r.differs(files[i])
		return err
	})
	if err != nil || !r.fix {
		return err
	}
	var bad []*entry
	for i, e := range files {
		if differ[i] {
			bad = append(bad, e)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return r.from.writeAll(ctx, r.into, bad, r.replace)
}

// differs says whether an entry's content has to be written anew.
func (r *repairer) differs(e *entry) (bool, error) {
	st, ok, err := r.kind(e)
	if err != nil || !ok {
		return err == nil, err
	}
	wrong, err := r.content(e, st)
	if err != nil || wrong == "" {
		return false, err
	}
	r.note(e, "%s", wrong)
	return true, nil
}

// replace puts an entry's content where something else, or nothing, is.
func (r *repairer) replace(e *entry, content source) error {
	if st, err := os.Lstat(r.path(e)); err == nil && st.IsDir() {
		if err := os.RemoveAll(r.path(e)); err != nil {
			return err
		}
	}
	beside := stageName + "/" + strconv.FormatInt(r.next.Add(1), 10)
	if err := fillFile(r.into, beside, e, content); err != nil {
		return err
	}
	// Before, so that a cache that cannot be removed is tried again by the next
	// start; and after, since a program may have compiled the old source meanwhile.
	if err := r.dropCaches(e); err != nil {
		return err
	}
	if err := r.rename(r.tree+sep+fromSlash(beside), e); err != nil {
		return err
	}
	return r.dropCaches(e)
}

// rename puts a file that is ready in an entry's place. On Windows the file of a
// running program is moved to aside, and removed by a later start.
func (r *repairer) rename(from string, e *entry) error {
	old := uniqueName(oldPrefix) + "-" + strconv.FormatInt(r.next.Add(1), 10)
	return renameOver(from, r.path(e), filepath.Join(r.aside, old))
}

// content says what is wrong with a regular file's content, "" for nothing.
func (r *repairer) content(e *entry, st fs.FileInfo) (string, error) {
	if st.Size() != e.size {
		return fmt.Sprintf("has %d bytes, not %d", st.Size(), e.size), nil
	}
	want, err := r.from.sumOf(e)
	if err != nil {
		return "", err
	}
	got, err := hashFile(r.path(e))
	switch {
	case err != nil && r.fix && !errors.Is(err, fs.ErrPermission):
		return "", err
	case err != nil:
		return fmt.Sprintf("cannot be read: %v", err), nil
	case got != want:
		return "has other content", nil
	}
	return "", nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// dropCaches removes what Python compiled from a module that was changed. Its
// caches go by the source's size and time in seconds, which may be the same.
func (r *repairer) dropCaches(e *entry) error {
	stem, isModule := strings.CutSuffix(filepath.Base(fromSlash(e.name)), ".py")
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
		name := strings.TrimPrefix(parentOf(e.name)+"/__pycache__/"+f.Name(), "/")
		if r.planned(name) {
			continue
		}
		if err := os.Remove(filepath.Join(cache, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (r *repairer) planned(name string) bool {
	for i := range r.plan {
		if r.plan[i].name == name {
			return true
		}
	}
	return false
}

func (r *repairer) link(e *entry) error {
	st, ok, err := r.kind(e)
	if err != nil {
		return err
	}
	if ok {
		target, err := os.Readlink(r.path(e))
		if err != nil {
			return err
		}
		if target == e.symlink {
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
	beside := filepath.Join(r.tree, stageName, strconv.FormatInt(r.next.Add(1), 10))
	if err := os.Symlink(e.symlink, beside); err != nil {
		return err
	}
	return r.rename(beside, e)
}

func typeName(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "folder"
	case m&fs.ModeSymlink != 0:
		return "symlink"
	case m.IsRegular():
		return "file"
	}
	return "special file"
}
