//go:build unix

package extract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func checkOwner(dir string, st fs.FileInfo, forbidden fs.FileMode) error {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && int(sys.Uid) != os.Geteuid() {
		return fmt.Errorf("%w: %s belongs to user %d, not to %d", ErrUnsafeDir, dir, sys.Uid, os.Geteuid())
	}
	if st.Mode().Perm()&forbidden != 0 {
		return fmt.Errorf("%w: %s is open to other users (mode %#o)", ErrUnsafeDir, dir, st.Mode().Perm())
	}
	return nil
}

// isOfRoot says that a tree that the caller named was extracted by root, and that nobody
// else can change it: as in a container image that is built by root and run by others.
func (loc *Location) isOfRoot() bool {
	if !loc.trust.given || os.Geteuid() == 0 || checkParents(loc.base, loc.trust) != nil {
		return false
	}
	top, err := os.Lstat("/")
	if err != nil {
		return false
	}
	st, err := os.Lstat(loc.tree)
	if err != nil || !st.IsDir() || st.Mode().Perm()&0o022 != 0 {
		return false
	}
	owner, ok := st.Sys().(*syscall.Stat_t)
	root, okRoot := top.Sys().(*syscall.Stat_t)
	return ok && okRoot && (owner.Uid == 0 || owner.Uid == root.Uid)
}

// foreignOwner returns the owner of a file who is neither this user nor root, the owner of "/".
func foreignOwner(st fs.FileInfo) (uid int, ok bool) {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || sys.Uid == 0 || int(sys.Uid) == os.Geteuid() {
		return 0, false
	}
	if top, err := os.Lstat("/"); err == nil {
		root, isUnix := top.Sys().(*syscall.Stat_t)
		return int(sys.Uid), !isUnix || root.Uid != sys.Uid
	}
	return int(sys.Uid), true
}

// checkAll checks that nobody but root and this user can change any file of the tree, or
// add one. Python imports also what the payload does not have.
func (loc *Location) checkAll() error {
	return filepath.WalkDir(loc.tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		if uid, ok := foreignOwner(st); ok {
			return fmt.Errorf("%w: %s belongs to user %d", ErrUnsafeDir, path, uid)
		}
		if mode := st.Mode(); mode&fs.ModeSymlink == 0 && writableByOthers(st) {
			return fmt.Errorf("%w: others can write to %s (mode %#o)", ErrUnsafeDir, path, mode.Perm())
		}
		return nil
	})
}

// writableByOthers says that the mode lets users write who are neither in this process's
// group nor in root's.
func writableByOthers(st fs.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	group := ok && sys.Gid != 0 && int(sys.Gid) != os.Getegid()
	return st.Mode()&0o002 != 0 || group && st.Mode()&0o020 != 0
}

// maxHops is how many symlinks may be on the way to a directory.
const maxHops = 40

// checkParents checks that no other user can put something else in the place
// of dir, or of a folder or symlink on the way to it. It matches
// fs.ErrNotExist when the part that exists is safe. Where root's program names a
// directory, folders of any owner will do: in a container it works in a workspace of
// another user. But not where the environment names it: sudo keeps HOME, for one.
func checkParents(dir string, t trust) error {
	given := t.given && os.Geteuid() == 0
	t.given = false
	err := checkPath(dir, t)
	if given && errors.Is(err, ErrUnsafeDir) && !isOfEnvironment(dir) {
		t.given = true
		return checkPath(dir, t)
	}
	return err
}

// checkPath checks every folder and symlink on the way to dir.
func checkPath(dir string, t trust) error {
	top, err := os.Lstat("/")
	if err != nil {
		return err
	}
	if err := checkParent("/", top, top, t); err != nil {
		return err
	}
	at, links := "/", 0
	for todo := strings.Split(dir, "/"); len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		st, err := os.Lstat(next)
		if err != nil {
			return err
		}
		if err := checkParent(next, st, top, t); err != nil {
			return err
		}
		if st.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		target, err := os.Readlink(next)
		if err != nil {
			return err
		}
		if links++; links > maxHops {
			return &fs.PathError{Op: "lstat", Path: dir, Err: syscall.ELOOP}
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return nil
}

// isOfEnvironment says that dir is below a directory that a variable names.
func isOfEnvironment(dir string) bool {
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		if name != "HOME" && name != "TMPDIR" && !strings.HasPrefix(name, "XDG_") || value == "" {
			continue
		}
		value, err := filepath.Abs(value)
		if err != nil || value == "/" { // everything is below it
			continue
		}
		rel, err := filepath.Rel(value, dir)
		if err == nil && filepath.IsLocal(rel) {
			return true
		}
	}
	return false
}

// dirsOfEnvironment are the directories that an operator trusts. A variable that came with
// a user's environment, to root or to a program with more rights than the user's, trusts
// nothing of the user's.
func dirsOfEnvironment() []string {
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return nil
	}
	dirs := filepath.SplitList(os.Getenv(TrustVariable))
	if os.Geteuid() != 0 {
		return dirs
	}
	return slices.DeleteFunc(dirs, func(dir string) bool {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return true
		}
		target, err := filepath.EvalSymlinks(abs)
		return err != nil || !belongsToRoot(abs) || !belongsToRoot(target)
	})
}

// belongsToRoot says that a file and all folders and symlinks in its path are root's.
func belongsToRoot(path string) bool {
	for {
		st, err := os.Lstat(path)
		if err != nil {
			return false
		}
		if sys, ok := st.Sys().(*syscall.Stat_t); !ok || sys.Uid != 0 {
			return false
		}
		if path == filepath.Dir(path) {
			return true
		}
		path = filepath.Dir(path)
	}
}

// checkParent checks one folder or symlink on the way. The owner of "/" counts
// as root: in a user namespace root may have no number.
func checkParent(path string, st, top fs.FileInfo, t trust) error {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || t.covers(path) {
		return nil
	}
	root, _ := top.Sys().(*syscall.Stat_t)
	if uid := int(sys.Uid); !t.given && uid != 0 && uid != os.Geteuid() && (root == nil || sys.Uid != root.Uid) {
		return &parentError{fmt.Errorf("%w: %s belongs to user %d, who can replace what is in it", ErrUnsafeDir, path, uid)}
	}
	mode := st.Mode()
	if mode&fs.ModeSymlink != 0 {
		return nil
	}
	if !mode.IsDir() {
		return &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	}
	if mode&fs.ModeSticky != 0 {
		return nil
	}
	if writableByOthers(st) {
		return &parentError{fmt.Errorf("%w: others can replace what is in %s (mode %#o without the sticky bit)", ErrUnsafeDir, path, mode.Perm())}
	}
	return nil
}
