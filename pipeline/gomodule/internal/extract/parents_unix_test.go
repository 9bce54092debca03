//go:build unix

package extract

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// A private directory is worth nothing where another user can rename it.
func TestParentsThatOthersCanChange(t *testing.T) {
	needRoot(t)
	packed := openDir(t)
	src := t.TempDir()
	testtree.Make(t, src, testtree.Sample())
	testtree.Must(t, payload.Pack(packed, src, payload.PackOptions{}))
	const swapper = otherUID + 1
	chown := func(path string, uid, gid int, mode os.FileMode) {
		testtree.Must(t, os.Lchown(path, uid, gid))
		if st, err := os.Lstat(path); err == nil && st.IsDir() {
			testtree.Must(t, os.Chmod(path, mode))
		}
	}
	for name, c := range map[string]struct {
		change func(parent string) string // returns the directory to use
		safe   bool
	}{
		"sticky":             {func(p string) string { chown(p, 0, 0, os.ModeSticky|0o777); return p }, true},
		"own":                {func(p string) string { chown(p, otherUID, otherUID, 0o755); return p }, true},
		"own group":          {func(p string) string { chown(p, otherUID, otherUID, 0o775); return p }, true},
		"group of others":    {func(p string) string { chown(p, otherUID, swapper, 0o775); return p }, false},
		"writable by all":    {func(p string) string { chown(p, otherUID, otherUID, 0o777); return p }, false},
		"of root, for all":   {func(p string) string { chown(p, 0, 0, 0o777); return p }, false},
		"of another":         {func(p string) string { chown(p, swapper, swapper, 0o755); return p }, false},
		"of another, sticky": {func(p string) string { chown(p, swapper, swapper, os.ModeSticky|0o777); return p }, false},
		"further up": {func(p string) string {
			testtree.Must(t, os.Mkdir(filepath.Join(p, "sub"), 0o755))
			chown(filepath.Join(p, "sub"), otherUID, otherUID, 0o700)
			chown(p, 0, 0, 0o777)
			return filepath.Join(p, "sub")
		}, false},
		"symlink of another": {func(p string) string {
			testtree.Must(t, os.Mkdir(filepath.Join(p, "sub"), 0o755))
			chown(filepath.Join(p, "sub"), otherUID, otherUID, 0o700)
			testtree.Must(t, os.Symlink("sub", filepath.Join(p, "link")))
			chown(filepath.Join(p, "link"), swapper, swapper, 0)
			return filepath.Join(p, "link")
		}, false},
		"own symlink": {func(p string) string {
			testtree.Must(t, os.Mkdir(filepath.Join(p, "sub"), 0o755))
			chown(filepath.Join(p, "sub"), otherUID, otherUID, 0o700)
			testtree.Must(t, os.Symlink("../"+filepath.Base(p)+"/sub", filepath.Join(p, "link")))
			chown(filepath.Join(p, "link"), otherUID, otherUID, 0)
			return filepath.Join(p, "link")
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			tmp, home := openDir(t), openDir(t)
			chown(home, otherUID, otherUID, 0o700)
			dir := c.change(tmp)
			env := []string{"TMPDIR=" + dir, "HOME=" + home, "XDG_CACHE_HOME=" + filepath.Join(home, ".cache")}
			used := home
			if c.safe {
				used = dir
			}
			if out := asOther(t, packed, env); !strings.HasPrefix(out, "fresh "+used+"/") {
				t.Errorf("not in %s: %s", used, out)
			}
			out := asOther(t, packed, append(env, "GOEMPY_TEST_DIR="+filepath.Join(dir, "new", "app")))
			if c.safe != strings.HasPrefix(out, "fresh ") || !c.safe && !strings.Contains(out, ErrUnsafeDir.Error()) {
				t.Errorf("given: %s", out)
			}
			if _, err := os.Lstat(filepath.Join(dir, "new")); !c.safe && err == nil {
				t.Error("something was made there")
			}
		})
	}

	// What was extracted there before is not used either: it may be another's.
	tmp, home := openDir(t), openDir(t)
	chown(home, otherUID, otherUID, 0o700)
	env := []string{"TMPDIR=" + tmp, "HOME=" + home, "XDG_CACHE_HOME=" + filepath.Join(home, ".cache")}
	if out := asOther(t, packed, env); !strings.HasPrefix(out, "fresh "+tmp+"/") {
		t.Fatal(out)
	}
	testtree.Must(t, os.Chmod(tmp, 0o777))
	mine := filepath.Join(tmp, "goempy-"+strconv.Itoa(otherUID))
	mv := exec.Command("mv", mine, mine+"-away")
	credential(mv, swapper)
	if out, err := mv.CombinedOutput(); err != nil {
		t.Fatalf("the other user cannot do it: %v %s", err, out)
	}
	testtree.Must(t, os.Rename(mine+"-away", mine))
	if out := asOther(t, packed, env); !strings.HasPrefix(out, "fresh "+home+"/") {
		t.Errorf("used %s", out)
	}
}

// Root with the environment of a user must not run what the user can replace.
func TestRootInPlacesOfAUser(t *testing.T) {
	needRoot(t)
	dir := testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	testtree.Must(t, os.Chown(filepath.Join(dir, "tmp"), otherUID, otherUID))
	e := start(t, packed)
	if !strings.HasPrefix(e.Dir(), filepath.Join(dir, "cache")) {
		t.Errorf("extracted to %s", e.Dir())
	}
	testtree.Must(t, os.Chown(filepath.Join(dir, "cache"), otherUID, otherUID))
	if _, err := openNamed(os.DirFS(packed), "test"); !errors.Is(err, ErrUnsafeDir) {
		t.Errorf("error: %v", err)
	}
	// A directory that root itself names may be in a workspace of another user, unless
	// that is the user's by the environment.
	workspace := filepath.Join(dir, "workspace")
	testtree.Must(t, os.Mkdir(workspace, 0o755))
	testtree.Must(t, os.Chown(workspace, otherUID, otherUID))
	given := filepath.Join(workspace, "given")
	g := cleaned(t)(openGiven(os.DirFS(packed), given, false))
	if g.Dir() != given {
		t.Errorf("extracted to %s", g.Dir())
	}
	for _, variable := range []string{"HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"} {
		t.Run(variable, func(t *testing.T) {
			for _, value := range []string{workspace, workspace + "/", filepath.Join(workspace, "missing", "..")} {
				t.Setenv(variable, value)
				below := filepath.Join(workspace, "x", "y")
				if _, err := openGiven(os.DirFS(packed), below, true); !errors.Is(err, ErrUnsafeDir) {
					t.Errorf("%s: %v", value, err)
				}
				mustBeGone(t, filepath.Dir(below))
			}
		})
	}
}

// The variables lead to a user's folder by way of a sticky one, relatively, or by a symlink.
func TestRootWithTheEnvironmentOfAnotherUser(t *testing.T) {
	needRoot(t)
	dir := testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	sticky, user := filepath.Join(dir, "sticky"), filepath.Join(dir, "sticky", "user")
	testtree.Must(t, os.Mkdir(sticky, 0o755))
	testtree.Must(t, os.Chmod(sticky, os.ModeSticky|0o777))
	testtree.Must(t, os.Mkdir(user, 0o755))
	testtree.Must(t, os.Symlink("/", filepath.Join(user, "link")))
	for _, path := range []string{user, filepath.Join(user, "link")} {
		testtree.Must(t, os.Lchown(path, otherUID, otherUID))
	}
	given := filepath.Join(user, "app")
	refused := func(what string) {
		t.Helper()
		if _, err := openGiven(os.DirFS(packed), given, true); !errors.Is(err, ErrUnsafeDir) {
			t.Errorf("%s: %v", what, err)
		}
	}
	t.Setenv("HOME", sticky)
	refused("sticky")
	t.Chdir(user)
	t.Setenv("HOME", ".")
	refused("relative")
	t.Setenv("GOEMPY_TRUSTED_DIR", filepath.Join(user, "link"))
	refused("a symlink of the user")
}

// Whatever a user swaps while root looks, root neither runs nor writes what is the user's.
func TestRootAgainstAUserWhoSwaps(t *testing.T) {
	needRoot(t)
	packed := openDir(t)
	src := t.TempDir()
	testtree.Make(t, src, testtree.Sample())
	testtree.Must(t, payload.Pack(packed, src, payload.PackOptions{}))
	home, ofRoot := openDir(t), openDir(t)
	testtree.Must(t, os.Chmod(ofRoot, 0o755))
	testtree.Must(t, os.Mkdir(filepath.Join(home, ".cache"), 0o755))
	testtree.Must(t, os.Mkdir(filepath.Join(home, ".cache", "app"), 0o755))
	for _, path := range []string{"", ".cache", ".cache/app"} {
		testtree.Must(t, os.Chown(filepath.Join(home, path), otherUID, otherUID))
	}
	swap := exec.Command("sh", "-c", `cd "$1" && while :; do
		mv .cache a && ln -s "$2" .cache && rm .cache && mv a .cache
		mv .cache/app .cache/b && ln -s "$2" .cache/app && rm .cache/app && mv .cache/b .cache/app
	done`, "swap", home, ofRoot)
	credential(swap, otherUID)
	testtree.Must(t, swap.Start())
	defer func() {
		_ = swap.Process.Kill()
		_ = swap.Wait()
	}()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("TMPDIR", filepath.Join(home, ".cache"))
	for range 1000 {
		if _, err := openGiven(os.DirFS(packed), filepath.Join(home, ".cache", "app", "python"), true); err == nil {
			t.Fatal("the directory of a user was used")
		}
		if _, err := openNamed(os.DirFS(packed), "test"); err == nil {
			t.Fatal("the temp or cache dir of a user was used")
		}
	}
	for _, dir := range []string{home, ofRoot} {
		testtree.Must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == dir {
				return nil // moved away
			}
			if info, err := d.Info(); err == nil && info.Sys().(*syscall.Stat_t).Uid == 0 {
				t.Errorf("root made %s", path)
			}
			return nil
		}))
	}
}

// A directory that is missing and cannot be made is reported at once.
func TestDirectoryThatCannotBeMade(t *testing.T) {
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("needs /proc")
	}
	_, err := openGiven(os.DirFS(testpayload.Pack(t, testtree.Sample())), "/proc/goempy", false)
	if !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "again and again") || strings.Contains(err.Error(), "%!") {
		t.Errorf("error: %v", err)
	}
}
