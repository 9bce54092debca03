//go:build unix

package extract

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// Root extracts when a container image is built, and another user runs it.
func TestTreeOfRoot(t *testing.T) {
	needRoot(t)
	packed, src := openDir(t), t.TempDir()
	testtree.Make(t, src, testtree.Sample())
	testtree.Must(t, payload.Pack(packed, src, payload.PackOptions{}))
	var trees []*Files
	extract := func(o Options) (given, tree string) {
		opt := openDir(t)
		testtree.Must(t, os.Chmod(opt, 0o755))
		given = filepath.Join(opt, "missing", "app")
		e := cleaned(t)(openGiven(os.DirFS(packed), given, true, o))
		trees = append(trees, e)
		return given, e.Dir()
	}
	use := func(given string) string {
		return asOther(t, packed, []string{"GOEMPY_TEST_DIR=" + given, "HOME="})
	}

	given, tree := extract(Options{WorldReadable: true})
	before := testtree.Dump(t, filepath.Dir(tree))
	if out := use(given); out != "warm "+tree {
		t.Errorf("got %s", out)
	}
	if after := testtree.Dump(t, filepath.Dir(tree)); after != before {
		t.Errorf("written:\n%s\nbefore:\n%s", after, before)
	}
	testtree.Must(t, cleaned(t)(openGiven(os.DirFS(packed), given, true)).Verify())
	testtree.Must(t, os.RemoveAll(tree+stateSuffix)) // an image needs none
	if out := use(given); out != "warm "+tree {
		t.Errorf("without state: %s", out)
	}

	// Root leaves a tree alone that another user has started from.
	given, tree = extract(Options{WorldReadable: true})
	used, release := holdCmd(t, helperOfOther(t, packed, "GOEMPY_TEST_DIR="+given, "HOME=", "GOEMPY_TEST_HOLD=1"))
	if used != tree {
		t.Errorf("used %s", used)
	}
	root := cleaned(t)(openGiven(os.DirFS(packed), given, true))
	testtree.Must(t, root.Cleanup()) // extract has a claim, too
	for _, e := range trees {
		testtree.Must(t, e.Cleanup())
	}
	if _, err := os.Stat(filepath.Join(tree, "lib", "same.py")); err != nil {
		t.Error(err)
	}
	release()
	testtree.Must(t, cleaned(t)(openGiven(os.DirFS(packed), given, true)).Cleanup())
	mustBeGone(t, tree, tree+stateSuffix)

	for want, spoil := range map[string]func(tree string) error{
		"has other content": func(tree string) error {
			return os.WriteFile(filepath.Join(tree, "lib", "same.py"), []byte("x = 2\n"), 0o644)
		},
		"is missing": func(tree string) error { return os.Remove(filepath.Join(tree, "lib", "same.py")) },
		"has mode":   func(tree string) error { return os.Chmod(filepath.Join(tree, "lib", "same.py"), 0o666) },
		"can change it": func(tree string) error {
			return os.Chown(filepath.Join(tree, "lib", "same.py"), otherUID+1, -1)
		},
		"others can write to": func(tree string) error { // Python imports what is there
			cache := filepath.Join(tree, "lib", "__pycache__")
			return errors.Join(os.Mkdir(cache, 0o777), os.Chmod(cache, 0o777))
		},
		"permission denied": func(tree string) error { return os.Chmod(tree, 0o700) },
		"unsafe directory":  func(tree string) error { return os.Chmod(tree, 0o777) },
		"belongs to user":   func(tree string) error { return os.Chown(tree, otherUID+1, otherUID+1) },
		"others can replace what is in": func(tree string) error {
			return os.Chmod(filepath.Dir(tree), 0o777)
		},
	} {
		given, tree := extract(Options{WorldReadable: true})
		testtree.Must(t, spoil(tree))
		if out := use(given); !strings.HasPrefix(out, "error ") || !strings.Contains(out, want) {
			t.Errorf("%s: got %s", want, out)
		}
	}
	copies := filepath.Join(openDir(t), "app")
	testtree.Must(t, os.Chmod(filepath.Dir(copies), 0o755))
	copied := extractCopies(t, packed, copies)
	if out := use(copies); out != "warm "+copied {
		t.Errorf("copies in the place of symlinks: %s", out)
	}
	given, _ = extract(Options{})
	if out := use(given); !strings.HasPrefix(out, "error ") {
		t.Errorf("a private tree was used: %s", out)
	}
}

// extractCopies extracts a tree that others can read as on a file system without symlinks.
func extractCopies(t *testing.T, packed, given string) (tree string) {
	t.Helper()
	pl, err := payload.Open(os.DirFS(packed))
	testtree.Must(t, err)
	man, err := pl.Manifest()
	testtree.Must(t, err)
	plan, err := payload.TreeEntries(man, true)
	testtree.Must(t, err)
	loc, err := givenLocation(given, pl.Key, true, nil)
	testtree.Must(t, err)
	loc.mode = 0o755
	testtree.Must(t, loc.prepare())
	b := &builder{ctx: t.Context(), loc: &loc, plan: plan, key: pl.Key, copies: true, from: payload.NewSource(pl.FS, man)}
	testtree.Must(t, b.build())
	return loc.tree
}

// The option holds for a tree that is there already. Without it, a tree that others can read
// stays so: other programs may have extracted it for them.
func TestTreeBecomesReadable(t *testing.T) {
	packed, given := testpayload.Pack(t, testtree.Sample()), filepath.Join(t.TempDir(), "app")
	mode := func(o Options, want os.FileMode) {
		t.Helper()
		e := cleaned(t)(openGiven(os.DirFS(packed), given, true, o))
		if st, err := os.Stat(e.Dir()); err != nil || st.Mode().Perm() != want {
			t.Errorf("mode %v, %v", st.Mode(), err)
		}
		if seen := inspect(&e.at.loc, e.pl.Key); !seen.good(e.pl.Key) || e.at.fresh && want != 0o700 {
			t.Errorf("the next start has to look at files: %+v, fresh %v", seen.suspects, e.at.fresh)
		}
	}
	mode(Options{}, 0o700)
	mode(Options{WorldReadable: true}, 0o755)
	mode(Options{WorldReadable: true}, 0o755)
	mode(Options{}, 0o755)
}

// The owner of a file can change it at any time, if they can reach it.
func TestFilesOfOthersAreReplaced(t *testing.T) {
	needRoot(t)
	packed, given := testpayload.Pack(t, testtree.Sample()), filepath.Join(t.TempDir(), "app")
	e := cleaned(t)(openGiven(os.DirFS(packed), given, false, Options{WorldReadable: true}))
	for _, name := range []string{"lib/same.py", "lib/pkg"} {
		path := filepath.Join(e.Dir(), name)
		testtree.Must(t, os.Chown(path, otherUID, otherUID))
		if err := e.Verify(); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), name+" belongs to user") {
			t.Errorf("%s: %v", name, err)
		}
		cleaned(t)(openGiven(os.DirFS(packed), given, false))
		st, err := os.Stat(path)
		testtree.Must(t, err)
		if uid, ok := foreignOwner(st); ok {
			t.Errorf("%s belongs to %d", name, uid)
		}
		testtree.Must(t, e.Verify())
	}
}
