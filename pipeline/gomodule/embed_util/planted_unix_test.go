//go:build unix

package embed_util

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
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
	payload := openDir(t)
	src := t.TempDir()
	makeTree(t, src, sample())
	mustDo(t, CopyForEmbed(payload, src))
	pl, err := openPayload(os.DirFS(payload))
	mustDo(t, err)
	const planter = otherUID + 1

	mine := func(path string) { mustDo(t, os.Lchown(path, planter, planter)) }
	plantTree := func(tree string) {
		mustDo(t, os.MkdirAll(filepath.Join(tree, "bin"), 0o777))
		mustDo(t, os.WriteFile(filepath.Join(tree, "bin", "python3"), []byte("#!/bin/sh\necho evil\n"), 0o777))
		for _, path := range []string{tree, filepath.Join(tree, "bin"), filepath.Join(tree, "bin", "python3")} {
			mustDo(t, os.Chmod(path, 0o777))
			mine(path)
		}
	}
	userRoot := "goempy-" + strconv.Itoa(otherUID)
	hash := pl.key[:hashLen]

	for name, c := range map[string]struct {
		given string // "" for a start by name
		plant func(tmp string)
		want  string // in the error, or "" when there is a place to fall back to
	}{
		"private folder": {"", func(tmp string) { plantTree(filepath.Join(tmp, userRoot)) }, ""},
		"private folder, closed": {"", func(tmp string) {
			mustDo(t, os.Mkdir(filepath.Join(tmp, userRoot), 0o700))
			mine(filepath.Join(tmp, userRoot))
		}, ""},
		"symlink as private folder": {"", func(tmp string) {
			plantTree(filepath.Join(tmp, "evil"))
			mustDo(t, os.Symlink("evil", filepath.Join(tmp, userRoot)))
			mine(filepath.Join(tmp, userRoot))
		}, ""},
		"dangling symlink": {"", func(tmp string) {
			mustDo(t, os.Symlink("nowhere", filepath.Join(tmp, userRoot)))
			mine(filepath.Join(tmp, userRoot))
		}, ""},
		"given tree":  {"app", func(tmp string) { plantTree(filepath.Join(tmp, "app-"+hash)) }, "belongs to user"},
		"given state": {"app", func(tmp string) { plantTree(filepath.Join(tmp, "app-"+hash+stateSuffix)) }, "belongs to user"},
		"symlink as given tree": {"app", func(tmp string) {
			plantTree(filepath.Join(tmp, "evil"))
			mustDo(t, os.Symlink("evil", filepath.Join(tmp, "app-"+hash)))
			mine(filepath.Join(tmp, "app-"+hash))
		}, "is a symlink"},
		"symlink as given state": {"app", func(tmp string) {
			mustDo(t, os.Mkdir(filepath.Join(tmp, "evil"), 0o777))
			mine(filepath.Join(tmp, "evil"))
			mustDo(t, os.Symlink("evil", filepath.Join(tmp, "app-"+hash+stateSuffix)))
			mine(filepath.Join(tmp, "app-"+hash+stateSuffix))
		}, "is a symlink"},
	} {
		t.Run(name, func(t *testing.T) {
			tmp, home := openDir(t), openDir(t)
			mustDo(t, os.Chown(home, otherUID, otherUID))
			mustDo(t, os.Chmod(home, 0o700))
			c.plant(tmp)
			before := dump(t, tmp)
			env := []string{"TMPDIR=" + tmp, "HOME=" + home, "XDG_CACHE_HOME=" + filepath.Join(home, ".cache")}
			if c.given != "" {
				env = append(env, "GOEMPY_TEST_DIR="+filepath.Join(tmp, c.given))
			}
			out := asOther(t, payload, env)
			if c.want != "" {
				if !strings.HasPrefix(out, "error ") || !strings.Contains(out, c.want) || !strings.Contains(out, ErrUnsafeDir.Error()) {
					t.Errorf("got %s", out)
				}
			} else if want := "fresh " + filepath.Join(home, ".cache", "goempy", "test-"+hash); out != want {
				t.Errorf("got %s\nwant %s", out, want)
			}
			if c.given == "" {
				if after := dump(t, tmp); after != before {
					t.Errorf("something was written there:\n%s\nbefore:\n%s", after, before)
				}
			}
		})
	}
}

// asOther starts once as otherUID and returns what it prints.
func asOther(t *testing.T, payload string, env []string) string {
	t.Helper()
	cmd := helper(t, payload, env...)
	copied := filepath.Join(openDir(t), "tests")
	data, err := os.ReadFile(cmd.Path)
	mustDo(t, err)
	mustDo(t, os.WriteFile(copied, data, 0o755))
	cmd.Path, cmd.Args[0] = copied, copied
	cmd.Dir = filepath.Dir(copied)
	credential(cmd, otherUID)
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// Users do not shut each other out: each has its own directories.
func TestTwoUsersStart(t *testing.T) {
	needRoot(t)
	payload, tmp := openDir(t), openDir(t)
	src := t.TempDir()
	makeTree(t, src, sample())
	mustDo(t, CopyForEmbed(payload, src))
	t.Setenv("TMPDIR", tmp)
	mine := start(t, payload)
	out := asOther(t, payload, []string{"TMPDIR=" + tmp, "HOME="})
	if !strings.HasPrefix(out, "fresh "+filepath.Join(tmp, "goempy-"+strconv.Itoa(otherUID))) {
		t.Errorf("the other user got: %s", out)
	}
	mustDo(t, mine.Verify())
	if err := checkPrivate(strings.TrimPrefix(out, "fresh ")); !errors.Is(err, ErrUnsafeDir) {
		t.Errorf("the other user's tree would be used: %v", err)
	}
}

// Modes are the payload's, whatever the caller's umask.
func TestUmask(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077, 0o777} {
		dir := ownPlaces(t)
		payload := pack(t, sample())
		want := treeOf(t, sample())
		for _, place := range []string{"temp", "cache, made anew"} {
			if place != "temp" {
				t.Setenv("TMPDIR", filepath.Join(dir, "missing"))
				t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "x", ".cache"))
				t.Setenv("HOME", filepath.Join(dir, "x"))
			}
			open := func() *EmbeddedFiles {
				old := syscall.Umask(mask)
				e, err := NewEmbeddedFiles(os.DirFS(payload), "test")
				syscall.Umask(old)
				if err != nil {
					t.Fatalf("with umask %#o in %s: %v", mask, place, err)
				}
				return e
			}
			e := open()
			if got := dump(t, e.GetExtractedPath()); got != want {
				t.Errorf("with umask %#o:\n%s", mask, got)
			}
			if again := open(); again.at.fresh {
				t.Errorf("with umask %#o: extracted at every start", mask)
			}
			mustDo(t, os.RemoveAll(filepath.Join(e.GetExtractedPath(), "lib")))
			open()
			if got := dump(t, e.GetExtractedPath()); got != want {
				t.Errorf("repaired with umask %#o:\n%s", mask, got)
			}
			// What a process left that was killed before it set a mode.
			mustDo(t, os.Chmod(e.at.place.lockPath(), 0))
			mustDo(t, os.Chmod(e.at.place.state(), 0))
			mustDo(t, os.Chmod(e.at.place.root, 0))
			if again := open(); again.GetExtractedPath() != e.GetExtractedPath() {
				t.Errorf("with umask %#o: moved to %s", mask, again.GetExtractedPath())
			}
		}
	}
}

func TestUmaskAsAnOrdinaryUser(t *testing.T) {
	needRoot(t)
	asUser(t, "TestUmask")
}
