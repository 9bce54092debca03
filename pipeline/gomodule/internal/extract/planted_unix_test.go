//go:build unix

package extract

import (
	"errors"
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

// needRoot skips a test that an ordinary user cannot run.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to act as other users and to mount file systems")
	}
}

// TestPlantedByAnotherUser runs starts as one user in a temp dir where another
// user has prepared what the start is going to use.
func TestPlantedByAnotherUser(t *testing.T) {
	needRoot(t)
	packed := openDir(t)
	src := t.TempDir()
	testtree.Make(t, src, testtree.Sample())
	testtree.Must(t, payload.Pack(packed, src, payload.PackOptions{}))
	pl, err := payload.Open(os.DirFS(packed))
	testtree.Must(t, err)
	const planter = otherUID + 1

	mine := func(path string) { testtree.Must(t, os.Lchown(path, planter, planter)) }
	plantTree := func(tree string) {
		testtree.Must(t, os.MkdirAll(filepath.Join(tree, "bin"), 0o777))
		testtree.Must(t, os.WriteFile(filepath.Join(tree, "bin", "python3"), []byte("#!/bin/sh\necho evil\n"), 0o777))
		for _, path := range []string{tree, filepath.Join(tree, "bin"), filepath.Join(tree, "bin", "python3")} {
			testtree.Must(t, os.Chmod(path, 0o777))
			mine(path)
		}
	}
	userRoot := "goempy-" + strconv.Itoa(otherUID)
	hash := pl.Key[:hashLen]

	for name, c := range map[string]struct {
		given string // "" for a start by name
		plant func(tmp string)
		want  string // in the error, or "" when there is a place to fall back to
	}{
		"private folder": {"", func(tmp string) { plantTree(filepath.Join(tmp, userRoot)) }, ""},
		"private folder, closed": {"", func(tmp string) {
			testtree.Must(t, os.Mkdir(filepath.Join(tmp, userRoot), 0o700))
			mine(filepath.Join(tmp, userRoot))
		}, ""},
		"symlink as private folder": {"", func(tmp string) {
			plantTree(filepath.Join(tmp, "evil"))
			testtree.Must(t, os.Symlink("evil", filepath.Join(tmp, userRoot)))
			mine(filepath.Join(tmp, userRoot))
		}, ""},
		"dangling symlink": {"", func(tmp string) {
			testtree.Must(t, os.Symlink("nowhere", filepath.Join(tmp, userRoot)))
			mine(filepath.Join(tmp, userRoot))
		}, ""},
		"given tree":  {"app", func(tmp string) { plantTree(filepath.Join(tmp, "app-"+hash)) }, "belongs to user"},
		"given state": {"app", func(tmp string) { plantTree(filepath.Join(tmp, "app-"+hash+stateSuffix)) }, "belongs to user"},
		"symlink as given tree": {"app", func(tmp string) {
			plantTree(filepath.Join(tmp, "evil"))
			testtree.Must(t, os.Symlink("evil", filepath.Join(tmp, "app-"+hash)))
			mine(filepath.Join(tmp, "app-"+hash))
		}, "is a symlink"},
		"symlink as given state": {"app", func(tmp string) {
			testtree.Must(t, os.Mkdir(filepath.Join(tmp, "evil"), 0o777))
			mine(filepath.Join(tmp, "evil"))
			testtree.Must(t, os.Symlink("evil", filepath.Join(tmp, "app-"+hash+stateSuffix)))
			mine(filepath.Join(tmp, "app-"+hash+stateSuffix))
		}, "is a symlink"},
	} {
		t.Run(name, func(t *testing.T) {
			tmp, home := openDir(t), openDir(t)
			testtree.Must(t, os.Chown(home, otherUID, otherUID))
			testtree.Must(t, os.Chmod(home, 0o700))
			c.plant(tmp)
			before := testtree.Dump(t, tmp)
			env := []string{"TMPDIR=" + tmp, "HOME=" + home, "XDG_CACHE_HOME=" + filepath.Join(home, ".cache")}
			if c.given != "" {
				env = append(env, "GOEMPY_TEST_DIR="+filepath.Join(tmp, c.given))
			}
			out := asOther(t, packed, env)
			if c.want != "" {
				if !strings.HasPrefix(out, "error ") || !strings.Contains(out, c.want) || !strings.Contains(out, ErrUnsafeDir.Error()) {
					t.Errorf("got %s", out)
				}
			} else if want := "fresh " + filepath.Join(home, ".cache", "goempy", "test-"+hash); out != want {
				t.Errorf("got %s\nwant %s", out, want)
			}
			if c.given == "" {
				if after := testtree.Dump(t, tmp); after != before {
					t.Errorf("something was written there:\n%s\nbefore:\n%s", after, before)
				}
			}
		})
	}
}

// asOther starts once as otherUID and returns what it prints.
func asOther(t *testing.T, packed string, env []string) string {
	t.Helper()
	cmd := helperOfOther(t, packed, env...)
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// helperOfOther is helper as otherUID.
func helperOfOther(t *testing.T, packed string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := helper(t, packed, env...)
	copied := filepath.Join(openDir(t), "tests")
	copyProgram(t, cmd.Path, copied)
	cmd.Path, cmd.Args[0] = copied, copied
	cmd.Dir = filepath.Dir(copied)
	credential(cmd, otherUID)
	return cmd
}

// Users do not shut each other out: each has its own directories.
func TestTwoUsersStart(t *testing.T) {
	needRoot(t)
	packed, tmp := openDir(t), openDir(t)
	src := t.TempDir()
	testtree.Make(t, src, testtree.Sample())
	testtree.Must(t, payload.Pack(packed, src, payload.PackOptions{}))
	t.Setenv("TMPDIR", tmp)
	mine := start(t, packed)
	out := asOther(t, packed, []string{"TMPDIR=" + tmp, "HOME="})
	if !strings.HasPrefix(out, "fresh "+filepath.Join(tmp, "goempy-"+strconv.Itoa(otherUID))) {
		t.Errorf("the other user got: %s", out)
	}
	testtree.Must(t, mine.Verify())
	if err := checkPrivate(strings.TrimPrefix(out, "fresh ")); !errors.Is(err, ErrUnsafeDir) {
		t.Errorf("the other user's tree would be used: %v", err)
	}
}

// Modes are the payload's, whatever the caller's umask.
func TestUmask(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077, 0o777} {
		dir := testtree.OwnPlaces(t)
		packed := testpayload.Pack(t, testtree.Sample())
		want := testtree.Of(t, testtree.Sample())
		for _, place := range []string{"temp", "cache, made anew"} {
			if place != "temp" {
				t.Setenv("TMPDIR", filepath.Join(dir, "missing"))
				t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "x", ".cache"))
				t.Setenv("HOME", filepath.Join(dir, "x"))
			}
			open := func() *Files {
				old := syscall.Umask(mask)
				e, err := openNamed(os.DirFS(packed), "test")
				syscall.Umask(old)
				if err != nil {
					t.Fatalf("with umask %#o in %s: %v", mask, place, err)
				}
				return e
			}
			e := open()
			if got := testtree.Dump(t, e.Dir()); got != want {
				t.Errorf("with umask %#o:\n%s", mask, got)
			}
			if again := open(); again.at.fresh {
				t.Errorf("with umask %#o: extracted at every start", mask)
			}
			testtree.Must(t, os.RemoveAll(filepath.Join(e.Dir(), "lib")))
			open()
			if got := testtree.Dump(t, e.Dir()); got != want {
				t.Errorf("repaired with umask %#o:\n%s", mask, got)
			}
			// What a process left that was killed before it set a mode.
			testtree.Must(t, os.Chmod(e.at.loc.lockPath(), 0))
			testtree.Must(t, os.Chmod(e.at.loc.state(), 0))
			testtree.Must(t, os.Chmod(e.at.loc.root, 0))
			if again := open(); again.Dir() != e.Dir() {
				t.Errorf("with umask %#o: moved to %s", mask, again.Dir())
			}
		}
	}
}

func TestUmaskAsAnOrdinaryUser(t *testing.T) {
	needRoot(t)
	asUser(t, "TestUmask")
}
