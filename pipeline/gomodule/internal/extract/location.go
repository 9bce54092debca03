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
func (p *Location) state() string { return p.tree + stateSuffix }

func (p *Location) lockPath() string { return filepath.Join(p.state(), "lock") }

func (p *Location) usePath() string { return filepath.Join(p.state(), "use") }

func (p *Location) markerPath() string { return filepath.Join(p.state(), "marker") }

// hashLen is how much of a key stands in a directory's name.
const hashLen = 16

// namedLocations are the places for a tree of that name, best first.
func namedLocations(name, key string) ([]Location, error) {
	var places []Location
	name = safeName(name)
	add := func(what, base, folder string, made bool) {
		if abs, err := filepath.Abs(base); err == nil {
			base = abs
		}
		root := filepath.Join(base, folder)
		pat := filepath.Join(root, name+"-")
		places = append(places, Location{kind: what, base: base, root: root, tree: pat + key[:hashLen], prefix: pat, create: made})
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

// givenLocation is the place that a caller named.
func givenLocation(tmpDir, key string, withHash bool) (Location, error) {
	if tmpDir == "" {
		return Location{}, errors.New("embed_util: the directory to extract to is empty")
	}
	abs, err := filepath.Abs(tmpDir)
	if err != nil {
		return Location{}, fmt.Errorf("embed_util: %w", err)
	}
	p := Location{kind: "given dir", tree: abs, create: true}
	if withHash {
		p.prefix = abs + "-"
		p.tree = p.prefix + key[:hashLen]
	}
	p.base = filepath.Dir(p.tree)
	return p, nil
}

// prepare makes the directories that are missing and checks all of them.
func (p *Location) prepare() error {
	if p.create {
		// Before anything is made: not in a folder that cannot be trusted.
		if err := checkParents(p.base, p.root == ""); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := osfs.MkdirAllPrivate(p.base); err != nil {
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
func (p *Location) check() error {
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
func (p *Location) checkTree() error {
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
func (p *Location) fixMode() error {
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
