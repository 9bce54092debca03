package extract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/payload"
)

func (r *repairer) path(e *payload.Entry) string {
	return r.tree + string(filepath.Separator) + filepath.FromSlash(e.Name)
}

// note records what is wrong and says whether to repair it.
func (r *repairer) note(e *payload.Entry, format string, args ...any) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found[e.Name] = fmt.Sprintf(format, args...)
	return r.fix
}

// kind compares type and permissions. It returns ok when content can be
// compared, which it cannot when the entry is missing or of another type.
func (r *repairer) kind(e *payload.Entry) (st fs.FileInfo, ok bool, err error) {
	st, err = os.Lstat(r.path(e))
	switch {
	case errors.Is(err, fs.ErrNotExist), osfs.IsNotDir(err):
		r.note(e, "is missing")
		return nil, false, nil
	case errors.Is(err, fs.ErrPermission) && !r.fix:
		r.note(e, "cannot be looked at: %v", err)
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case st.Mode().Type() != e.Mode.Type():
		r.note(e, "is a %s", typeName(st.Mode()))
		return st, false, nil
	}
	if uid, ok := foreignOwner(st); ok && !e.IsSymlink() {
		if !r.note(e, "belongs to user %d, who can change it", uid) || !e.IsDir() {
			return st, false, nil // a file is replaced: it may be open for writing
		}
		if err := os.Lchown(r.path(e), os.Geteuid(), -1); err != nil {
			return nil, false, fmt.Errorf("%w: %w", ErrUnsafeDir, err)
		}
	}
	// Folders may have bits that their folder hands down.
	bits := fs.ModePerm
	if e.IsRegular() {
		bits |= fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	}
	if runtime.GOOS == "windows" || e.IsSymlink() || st.Mode()&bits == e.Perm() {
		return st, true, nil
	}
	if r.note(e, "has mode %v, not %v", st.Mode()&bits, e.Perm()) {
		// First, since it may be what prevents reading it.
		if err := os.Chmod(r.path(e), e.Perm()); err != nil {
			return nil, false, err
		}
	}
	return st, true, nil
}

// differs says whether an entry's content has to be written anew.
func (r *repairer) differs(e *payload.Entry) (bool, error) {
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

// content says what is wrong with a regular file's content, "" for nothing.
func (r *repairer) content(e *payload.Entry, st fs.FileInfo) (string, error) {
	if st.Size() != e.Size {
		return fmt.Sprintf("has %d bytes, not %d", st.Size(), e.Size), nil
	}
	want, err := r.from.SumOf(e)
	if err != nil {
		return "", err
	}
	got, err := payload.HashFile(r.path(e))
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

func (r *repairer) isPlanned(name string) bool {
	for i := range r.plan {
		if r.plan[i].Name == name {
			return true
		}
	}
	return false
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
