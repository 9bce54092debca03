//go:build unix

package extract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testtree"
)

// Root extracts when a container image is built, and another user runs it.
func TestTreeOfRoot(t *testing.T) {
	needRoot(t)
	packed, src := openDir(t), t.TempDir()
	testtree.Make(t, src, testtree.Sample())
	testtree.Must(t, payload.Pack(packed, src, payload.PackOptions{}))
	extract := func(o Options) (given, tree string) {
		opt := openDir(t)
		testtree.Must(t, os.Chmod(opt, 0o755))
		given = filepath.Join(opt, "missing", "app")
		return given, cleaned(t)(openGiven(os.DirFS(packed), given, true, o)).Dir()
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
	e := cleaned(t)(openGiven(os.DirFS(packed), given, true))
	_ = e
	if used != tree {
		t.Fatalf("used %s", used)
	}

	for want, spoil := range map[string]func(tree string) error{
		"has other content": func(tree string) error {
			return os.WriteFile(filepath.Join(tree, "lib", "same.py"), []byte("x = 2\n"), 0o644)
		},
		"is missing":        func(tree string) error { return os.Remove(filepath.Join(tree, "lib", "same.py")) },
		"has mode":          func(tree string) error { return os.Chmod(filepath.Join(tree, "lib", "same.py"), 0o666) },
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
	given, _ = extract(Options{})
	if out := use(given); !strings.HasPrefix(out, "error ") {
		t.Errorf("a private tree was used: %s", out)
	}
}
