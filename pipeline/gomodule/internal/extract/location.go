package extract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/goempy/goempy/internal/osfs"
)

// Location is where a tree may be extracted to.
type Location struct {
	kind   string      // "temp dir", "cache dir", "given dir"
	tree   string      // the tree itself, absolute
	root   string      // the private folder that holds it; "" when the caller chose tree
	base   string      // folder that root is made in
	prefix string      // tree without its hash, for Prune; "" when it has none
	create bool        // base is made if it is missing
	mode   fs.FileMode // permissions that tree has at least
	trust  trust
	err    error // why it cannot be used at all; the paths may be "" then
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
func namedLocations(name, key string, trusted []string) []Location {
	cache, cacheErr := os.UserCacheDir()
	// The temp dir is for all users: one made here would shut the others out, or let
	// them in.
	temp := Location{kind: "temp dir", base: os.TempDir(), mode: 0o700}
	if cacheErr == nil && sharedTemp(runtime.GOOS, temp.base, os.Getenv("SystemRoot")) {
		temp.err = fmt.Errorf("%s is that of all services", temp.base)
	}
	userCache := Location{kind: "cache dir", base: cache, create: true, mode: 0o700, err: cacheErr}
	folder := "goempy"
	if uid := os.Geteuid(); uid >= 0 {
		folder += "-" + strconv.Itoa(uid)
	}
	temp.place(folder, name, key)
	userCache.place("goempy", name, key)
	locs := []Location{temp, userCache}
	for i := range locs {
		locs[i].trust.dirs = trusted
	}
	return locs
}

// place sets the paths of a location in the private folder root of its base.
func (loc *Location) place(root, name, key string) {
	if loc.err != nil {
		return
	}
	if abs, err := filepath.Abs(loc.base); err == nil {
		loc.base = abs
	}
	if strings.ContainsRune(loc.base, os.PathListSeparator) {
		loc.err = fmt.Errorf("%s has a %q, which separates directories in PYTHONPATH", loc.base, os.PathListSeparator)
	}
	loc.root = filepath.Join(loc.base, root)
	loc.prefix = filepath.Join(loc.root, safeName(name)+"-")
	loc.tree = loc.prefix + key[:hashLen]
}

// givenLocation is the location that a caller named.
func givenLocation(tmpDir, key string, withHash bool, trusted []string) (Location, error) {
	if tmpDir == "" {
		return Location{}, errors.New("embed_util: the directory to extract to is empty")
	}
	abs, err := filepath.Abs(tmpDir)
	if err != nil {
		return Location{}, fmt.Errorf("embed_util: %w", err)
	}
	loc := Location{kind: "given dir", tree: abs, create: true, trust: trust{given: true, dirs: trusted}}
	if withHash {
		loc.prefix = abs + "-"
		loc.tree = loc.prefix + key[:hashLen]
	}
	loc.base = filepath.Dir(loc.tree)
	return loc, nil
}

// prepare makes the directories that are missing and checks all of them.
func (loc *Location) prepare() error {
	if err := loc.prepareRoot(); err != nil {
		return err
	}
	if err := makePrivate(loc.state()); err != nil {
		return err
	}
	return loc.checkTree()
}

// prepareRoot is prepare for what the tree and its state are in.
func (loc *Location) prepareRoot() error {
	if loc.err != nil {
		return loc.err
	}
	if loc.create {
		// Before anything is made: nothing is made in a folder that is not safe.
		if err := checkParents(loc.base, loc.trust); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := osfs.MkdirAll(loc.base, loc.mode); err != nil {
			return err
		}
	}
	if err := checkParents(loc.base, loc.trust); err != nil {
		return err
	}
	if loc.root != "" {
		return makePrivate(loc.root)
	}
	return nil
}

// trust is what is not checked on the way to a location.
type trust struct {
	given bool     // root's program names the location: owners of folders do not matter
	dirs  []string // absolute; the folders in these paths, and these themselves
}

// covers says that a folder is trusted.
func (t trust) covers(path string) bool {
	return slices.ContainsFunc(t.dirs, func(dir string) bool {
		rel, err := filepath.Rel(path, dir)
		return err == nil && filepath.IsLocal(rel)
	})
}

// TrustVariable names directories for operators, as Options.TrustedDirs does for programs.
const TrustVariable = "GOEMPY_TRUSTED_DIR"

// trustedDirs returns absolute paths: those of the program, those of the environment, and
// what they lead to through symlinks.
func trustedDirs(ofProgram []string) []string {
	var dirs []string
	for _, dir := range append(slices.Clone(ofProgram), dirsOfEnvironment()...) {
		abs, err := filepath.Abs(dir)
		if dir == "" || err != nil {
			continue
		}
		dirs = append(dirs, abs)
		if target, err := filepath.EvalSymlinks(abs); err == nil && target != abs {
			dirs = append(dirs, target)
		}
	}
	return dirs
}

// check says whether the location may be used as it is. It matches
// fs.ErrNotExist when nothing was extracted there yet.
func (loc *Location) check() error {
	if loc.err != nil {
		return loc.err
	}
	if err := checkParents(loc.base, loc.trust); err != nil {
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
	want := st.Mode().Perm() | loc.mode
	if loc.root != "" {
		want = loc.mode
	}
	if runtime.GOOS == "windows" || want == st.Mode().Perm() {
		return nil
	}
	return os.Chmod(loc.tree, want)
}
