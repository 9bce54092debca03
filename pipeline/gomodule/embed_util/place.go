package embed_util

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// place is where a tree may be extracted to.
type place struct {
	what string // "temp dir", "cache dir", "given dir"
	tree string // the tree itself, absolute
	root string // the private folder that holds it; "" when the caller chose tree
	base string // folder that root is made in
	pat  string // tree without its hash, for Prune; "" when it has none
	made bool   // base is made if it is missing
}

// stateSuffix makes the name of a tree's state directory.
const stateSuffix = ".goempy"

// state is the private directory beside the tree: locks, marker, and trees
// under construction, on the same file system so that a rename is enough.
func (p *place) state() string      { return p.tree + stateSuffix }
func (p *place) lockPath() string   { return filepath.Join(p.state(), "lock") }
func (p *place) usePath() string    { return filepath.Join(p.state(), "use") }
func (p *place) markerPath() string { return filepath.Join(p.state(), "marker") }

// hashLen is how much of a key stands in a directory's name.
const hashLen = 16

// namedPlaces are the places for a tree of that name, best first.
func namedPlaces(name, key string) ([]place, error) {
	var places []place
	name = safeName(name)
	add := func(what, base, folder string, made bool) {
		if abs, err := filepath.Abs(base); err == nil {
			base = abs
		}
		root := filepath.Join(base, folder)
		pat := filepath.Join(root, name+"-")
		places = append(places, place{what: what, base: base, root: root, tree: pat + key[:hashLen], pat: pat, made: made})
	}
	folder := "goempy"
	if uid := os.Geteuid(); uid >= 0 {
		folder += "-" + strconv.Itoa(uid)
	}
	// The temp dir is for all users: whoever made a missing one would shut the
	// others out, or let them in.
	cache, err := os.UserCacheDir()
	if temp := os.TempDir(); err != nil || !sharedTemp(runtime.GOOS, temp, os.Getenv("SystemRoot")) {
		add("temp dir", temp, folder, false)
	}
	if err == nil {
		add("cache dir", cache, "goempy", true)
	}
	return places, nil
}

// sharedTemp says that a temp dir is the one of all Windows services, where
// permissions are not looked at here.
func sharedTemp(goos, temp, systemRoot string) bool {
	clean := func(s string) string { return strings.ToLower(strings.TrimRight(strings.ReplaceAll(s, "/", `\`), `\`)) }
	return goos == "windows" && systemRoot != "" && clean(temp) == clean(systemRoot)+`\temp`
}

// givenPlace is the place that a caller named.
func givenPlace(tmpDir, key string, withHash bool) (place, error) {
	if tmpDir == "" {
		return place{}, errors.New("embed_util: the directory to extract to is empty")
	}
	abs, err := filepath.Abs(tmpDir)
	if err != nil {
		return place{}, fmt.Errorf("embed_util: %w", err)
	}
	p := place{what: "given dir", tree: abs, made: true}
	if withHash {
		p.pat = abs + "-"
		p.tree = p.pat + key[:hashLen]
	}
	p.base = filepath.Dir(p.tree)
	return p, nil
}

// safeName keeps a caller's name from naming another folder.
func safeName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || strings.ContainsRune(`/\<>:"|?*`, r) {
			return '_'
		}
		return r
	}, name)
}

// placeError is a failure that another place might not have.
type placeError struct {
	p   *place
	err error
}

func (e *placeError) Error() string {
	return fmt.Sprintf("extract to %s (%s): %v", e.p.tree, e.p.what, e.err)
}
func (e *placeError) Unwrap() error { return e.err }

// prepare makes the directories that are missing and checks all of them.
func (p *place) prepare() error {
	if p.made {
		// Before anything is made: not in a folder that cannot be trusted.
		if err := checkParents(p.base, p.root == ""); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := makeAll(p.base); err != nil {
			return err
		}
	}
	if err := checkParents(p.base, p.root == ""); err != nil {
		return err
	}
	if p.root != "" {
		if err := makePrivate(p.root); err != nil {
			return err
		}
	}
	if err := makePrivate(p.state()); err != nil {
		return err
	}
	return p.checkTree()
}

// check says whether the place may be used as it stands. It matches
// fs.ErrNotExist when nothing was extracted there yet.
func (p *place) check() error {
	if err := checkParents(p.base, p.root == ""); err != nil {
		return err
	}
	if p.root != "" {
		if err := checkPrivate(p.root); err != nil {
			return err
		}
	}
	if err := checkPrivate(p.state()); err != nil {
		return err
	}
	return p.checkTree()
}

// checkTree checks the tree's own folder, which may be missing. In a private
// folder its mode keeps nobody in or out.
func (p *place) checkTree() error {
	forbidden := fs.FileMode(0o022)
	if p.root != "" {
		forbidden = 0
	}
	err := checkOwned(p.tree, forbidden)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// fixMode makes a tree's own folder usable again. Other bits of a folder that
// the caller chose are the caller's.
func (p *place) fixMode() error {
	st, err := os.Lstat(p.tree)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	want := st.Mode().Perm() | 0o700
	if p.root != "" {
		want = 0o700
	}
	if runtime.GOOS == "windows" || want == st.Mode().Perm() {
		return nil
	}
	return os.Chmod(p.tree, want)
}

// makePrivate makes a directory that only this user can enter, or accepts one
// that is so already. A directory that someone else put there is refused.
func makePrivate(dir string) error {
	if err := makeDir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	err := checkPrivate(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", errGone, err) // somebody has pruned it
	}
	if err != nil || runtime.GOOS == "windows" {
		return err
	}
	st, err := os.Lstat(dir)
	if err == nil && st.Mode().Perm()&0o700 != 0o700 {
		// Whoever made it was killed before it had its mode.
		err = os.Chmod(dir, 0o700)
	}
	return err
}

// makeDir makes a directory for this user alone, whatever the umask.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	return os.Chmod(dir, 0o700)
}

// makeAll makes a directory and those above it that are missing.
func makeAll(dir string) error {
	if st, err := os.Stat(dir); err == nil && st.IsDir() {
		return nil
	}
	err := makeDir(dir)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		if err = makeAll(filepath.Dir(dir)); err == nil {
			err = makeDir(dir)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		if st, bad := os.Stat(dir); bad == nil && st.IsDir() {
			return nil
		}
	}
	return err
}

// writeOwn writes a file of this user alone, whatever the umask.
func writeOwn(path string, data []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" {
		err = f.Chmod(0o600)
	}
	if err == nil {
		_, err = f.Write(data)
	}
	return errors.Join(err, f.Close())
}

func checkPrivate(dir string) error { return checkOwned(dir, 0o077) }

// checkOwned checks that dir is a real directory of this user and that none of
// the forbidden permission bits is set.
func checkOwned(dir string, forbidden fs.FileMode) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	switch {
	case st.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%w: %s is a symlink", ErrUnsafeDir, dir)
	case !st.IsDir():
		return fmt.Errorf("%w: %s is not a directory", ErrUnsafeDir, dir)
	}
	return checkOwner(dir, st, forbidden)
}
