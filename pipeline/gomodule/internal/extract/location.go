package extract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/goempy/goempy/internal/osfs"
)

// Location is where a tree may be extracted to.
type Location struct {
	kind   string // "temp dir", "cache dir", "given dir"
	tree   string // the tree itself, absolute
	root   string // the private folder that holds it; "" when the caller chose tree
	base   string // folder that root is made in
	prefix string // tree without its hash, for Prune; "" when it has none
	create bool   // base is made if it is missing
}

// stateSuffix makes the name of a tree's state directory.
const stateSuffix = ".goempy"

// state is the private directory beside the tree: locks, marker, and trees
// under construction, on the same file system so that a rename is enough.
func (loc *Location) state() string { return loc.tree + stateSuffix }

func (loc *Location) lockPath() string { return filepath.Join(loc.state(), "lock") }

func (loc *Location) usePath() string { return filepath.Join(loc.state(), "use") }

func (loc *Location) markerPath() string { return filepath.Join(loc.state(), "marker") }

// hashLen is how many digits of a key are in a directory's name.
const hashLen = 16

// namedLocations are the locations for a tree of that name, best first.
func namedLocations(name, key string) ([]Location, error) {
	var locs []Location
	name = safeName(name)
	add := func(what, base, folder string, made bool) {
		if abs, err := filepath.Abs(base); err == nil {
			base = abs
		}
		root := filepath.Join(base, folder)
		pat := filepath.Join(root, name+"-")
		locs = append(locs, Location{kind: what, base: base, root: root, tree: pat + key[:hashLen], prefix: pat, create: made})
	}
	folder := "goempy"
	if uid := os.Geteuid(); uid >= 0 {
		folder += "-" + strconv.Itoa(uid)
	}
	// The temp dir is for all users: one made here would shut the others out, or let
	// them in.
	cache, err := os.UserCacheDir()
	if temp := os.TempDir(); err != nil || !sharedTemp(runtime.GOOS, temp, os.Getenv("SystemRoot")) {
		add("temp dir", temp, folder, false)
	}
	if err == nil {
		add("cache dir", cache, "goempy", true)
	}
	return locs, nil
}

// givenLocation is the location that a caller named.
func givenLocation(tmpDir, key string, withHash bool) (Location, error) {
	if tmpDir == "" {
		return Location{}, errors.New("embed_util: the directory to extract to is empty")
	}
	abs, err := filepath.Abs(tmpDir)
	if err != nil {
		return Location{}, fmt.Errorf("embed_util: %w", err)
	}
	loc := Location{kind: "given dir", tree: abs, create: true}
	if withHash {
		loc.prefix = abs + "-"
		loc.tree = loc.prefix + key[:hashLen]
	}
	loc.base = filepath.Dir(loc.tree)
	return loc, nil
}

// prepare makes the directories that are missing and checks all of them.
func (loc *Location) prepare() error {
	if loc.create {
		// Before anything is made: nothing is made in a folder that is not safe.
		if err := checkParents(loc.base, loc.root == ""); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := osfs.MkdirAllPrivate(loc.base); err != nil {
			return err
		}
	}
	if err := checkParents(loc.base, loc.root == ""); err != nil {
		return err
	}
	if loc.root != "" {
		if err := makePrivate(loc.root); err != nil {
			return err
		}
	}
	if err := makePrivate(loc.state()); err != nil {
		return err
	}
	return loc.checkTree()
}

// check says whether the location may be used as it is. It matches
// fs.ErrNotExist when nothing was extracted there yet.
func (loc *Location) check() error {
	if err := checkParents(loc.base, loc.root == ""); err != nil {
		return err
	}
	if loc.root != "" {
		if err := checkPrivate(loc.root); err != nil {
			return err
		}
	}
	if err := checkPrivate(loc.state()); err != nil {
		return err
	}
	return loc.checkTree()
}

// checkTree checks the tree's own folder, which may be missing. In a private
// folder its mode keeps nobody in or out.
func (loc *Location) checkTree() error {
	forbidden := fs.FileMode(0o022)
	if loc.root != "" {
		forbidden = 0
	}
	err := checkOwned(loc.tree, forbidden)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// fixMode makes a tree's own folder usable again. Other bits of a folder that
// the caller chose are the caller's.
func (loc *Location) fixMode() error {
	st, err := os.Lstat(loc.tree)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	want := st.Mode().Perm() | 0o700
	if loc.root != "" {
		want = 0o700
	}
	if runtime.GOOS == "windows" || want == st.Mode().Perm() {
		return nil
	}
	return os.Chmod(loc.tree, want)
}
