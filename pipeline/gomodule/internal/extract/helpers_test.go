package extract

import (
	"io/fs"
	"os"
	"testing"

	"github.com/goempy/goempy/internal/testtree"
)

// start is a default start; its directory is given back to the system at the
// end of the test.
func start(t testing.TB, packed string, opts ...Options) *Files {
	t.Helper()
	return cleaned(t)(openNamed(os.DirFS(packed), "test", opts...))
}

// openNamed is Named, with no options or one.
func openNamed(fsys fs.FS, name string, opts ...Options) (*Files, error) {
	return Named(fsys, name, testtree.One(opts))
}

// openGiven is Given, with no options or one.
func openGiven(fsys fs.FS, dir string, hashInName bool, opts ...Options) (*Files, error) {
	return Given(fsys, dir, hashInName, testtree.One(opts))
}

func startCheck(check func(dir string) error) Options { return Options{StartCheck: check} }

// cleaned checks what a constructor has returned, and cleans it up at the end of
// the test: Windows keeps directories whose locks are held.
func cleaned(t testing.TB) func(*Files, error) *Files {
	t.Helper()
	return func(e *Files, err error) *Files {
		t.Helper()
		testtree.Must(t, err)
		t.Cleanup(func() { _ = e.Cleanup() })
		return e
	}
}
