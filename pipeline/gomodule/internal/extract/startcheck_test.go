package extract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

func TestStartCheck(t *testing.T) {
	dir := testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	var seen []string
	refuse := errors.New("does not run")
	check := startCheck(func(tree string) error {
		seen = append(seen, tree)
		if _, err := os.Stat(filepath.Join(tree, "bin", "python3.14")); err != nil {
			t.Error(err)
		}
		return refuse
	})
	if _, err := openNamed(os.DirFS(packed), "test", check); !errors.Is(err, refuse) {
		t.Errorf("error: %v", err)
	}
	if len(seen) != 1 {
		t.Errorf("checked %q", seen)
	}
	mustBeGone(t, seen[0], seen[0]+stateSuffix)

	// What may not run in one place may run in the next.
	refuse = fmt.Errorf("fork/exec: %w", fs.ErrPermission)
	fallback := startCheck(func(tree string) error {
		if strings.HasPrefix(tree, filepath.Join(dir, "tmp")) {
			return refuse
		}
		return nil
	})
	e := start(t, packed, fallback)
	if strings.HasPrefix(e.Dir(), filepath.Join(dir, "tmp")) {
		t.Errorf("extracted to %s", e.Dir())
	}

	// It is asked after files were written, and not otherwise.
	start(t, packed, check)
	testtree.Must(t, os.Remove(filepath.Join(e.Dir(), "lib", "same.py")))
	seen = nil
	refuse = nil
	start(t, packed, check)
	if len(seen) == 0 {
		t.Error("not checked after a repair")
	}
}

// The marker does not count before the check has ended, and does not vouch for
// what the check has changed.
func TestMarkerWaitsForTheStartCheck(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	e := start(t, packed, startCheck(func(tree string) error {
		time.Sleep(2 * settleTime)
		if _, err := os.Lstat(filepath.Join(tree+stateSuffix, "marker")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("there is a marker during the check: %v", err)
		}
		return os.WriteFile(filepath.Join(tree, "lib", "same.py"), []byte("x = 2\n"), 0o644)
	}))
	if err := e.Verify(); !errors.Is(err, ErrDamaged) {
		t.Errorf("Verify: %v", err)
	}
	start(t, packed)
	testtree.Must(t, e.Verify())
}

// A check that fails after a repair must not take a tree away from others.
func TestStartCheckAfterARepair(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	given := t.TempDir()
	testtree.Must(t, os.WriteFile(filepath.Join(given, "mine.txt"), []byte("mine"), 0o644))
	for name, open := range map[string]func(...Options) (*Files, error){
		"named": func(o ...Options) (*Files, error) {
			return openNamed(os.DirFS(packed), "test", o...)
		},
		"given": func(o ...Options) (*Files, error) {
			return openGiven(os.DirFS(packed), given, false, o...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := cleaned(t)(open())
			want := testtree.Dump(t, e.Dir())
			testtree.Must(t, os.Remove(filepath.Join(e.Dir(), "lib", "same.py")))
			busy := errors.New("resource temporarily unavailable")
			calls := 0
			check := startCheck(func(string) error { calls++; return busy })
			if _, err := open(check); !errors.Is(err, busy) {
				t.Errorf("error: %v", err)
			}
			if got := testtree.Dump(t, e.Dir()); got != want {
				t.Errorf("the tree is now:\n%s", got)
			}
			if _, err := os.Lstat(e.at.loc.markerPath()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a tree that failed its check still counts: %v", err)
			}
			if _, err := open(check); !errors.Is(err, busy) || calls != 2 {
				t.Errorf("checked %d times: %v", calls, err)
			}
			cleaned(t)(open())
		})
	}
}

// A deadline of the caller says nothing about the tree.
func TestStartCheckCutShort(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	ctx, cancel := context.WithCancel(t.Context())
	var tree string
	_, err := openNamed(os.DirFS(packed), "test", Options{Context: ctx, StartCheck: func(dir string) error {
		tree = dir
		cancel()
		return errors.New("signal: killed")
	}})
	var failed *startError
	if !errors.Is(err, context.Canceled) || errors.As(err, &failed) {
		t.Errorf("error: %v", err)
	}
	if got, want := testtree.Dump(t, tree), testtree.Of(t, testtree.Sample()); got != want {
		t.Errorf("left:\n%s", got)
	}
	testtree.Must(t, start(t, packed).Verify())
}

// A check that panics leaves nothing behind, and nothing that goes on.
func TestStartCheckThatPanics(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	dir := filepath.Join(t.TempDir(), "tree")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = openGiven(os.DirFS(packed), dir, false,
			startCheck(func(string) error { panic("the caller's own") }))
	}()
	left, err := filepath.Glob(filepath.Join(dir+stateSuffix, "*marker*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	testtree.Must(t, cleaned(t)(openGiven(os.DirFS(packed), dir, false)).Verify())

	// After a repair it is asked again, too.
	testtree.Must(t, os.Remove(filepath.Join(dir, "lib", "same.py")))
	asked := 0
	for _, check := range []func(string) error{
		func(string) error { asked++; panic("the caller's own") },
		func(string) error { asked++; return nil },
	} {
		func() {
			defer func() { _ = recover() }()
			cleaned(t)(openGiven(os.DirFS(packed), dir, false, startCheck(check)))
		}()
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}
