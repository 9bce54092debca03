package extract

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

func TestCleanupAndPruneLeaveUsedTrees(t *testing.T) {
	testtree.OwnPlaces(t)
	old, current := testpayload.Pack(t, testtree.ManyFiles(5)), testpayload.Pack(t, testtree.ManyFiles(6))
	oldTree, release := hold(t, old)
	e := start(t, old)
	testtree.Must(t, e.Cleanup())
	if _, err := os.Stat(oldTree); err != nil {
		t.Fatalf("Cleanup removed a tree that is in use: %v", err)
	}
	now := start(t, current)
	if gone, err := now.Prune(0); err != nil || len(gone) != 0 {
		t.Fatalf("Prune removed %q, %v", gone, err)
	}
	release()
	if gone, err := now.Prune(time.Hour); err != nil || len(gone) != 0 {
		t.Fatalf("Prune removed what was used a moment ago: %q, %v", gone, err)
	}
	testtree.Age(t, filepath.Join(oldTree+stateSuffix, "use"), 2*time.Hour)
	gone, err := now.Prune(time.Hour)
	if err != nil || len(gone) != 1 || gone[0] != oldTree {
		t.Fatalf("Prune removed %q, %v", gone, err)
	}
	for _, path := range []string{oldTree, oldTree + stateSuffix} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	if gone, err := now.Prune(0); err != nil || len(gone) != 0 {
		t.Errorf("the second Prune removed %q, %v", gone, err)
	}
	testtree.Must(t, now.Verify())
}

// An earlier version of this package left state directories on Windows.
func TestPruneReportsTreesOnly(t *testing.T) {
	testtree.OwnPlaces(t)
	old, now := start(t, testpayload.Pack(t, testtree.ManyFiles(5))), start(t, testpayload.Pack(t, testtree.ManyFiles(6)))
	tree := old.Dir()
	testtree.Must(t, old.Cleanup())
	testtree.Must(t, os.Mkdir(tree+stateSuffix, 0o700))
	testtree.Must(t, os.WriteFile(filepath.Join(tree+stateSuffix, "lock"), nil, 0o600))
	if gone, err := now.Prune(0); err != nil || len(gone) != 0 {
		t.Errorf("Prune removed %q, %v", gone, err)
	}
	if _, err := os.Lstat(tree + stateSuffix); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the state directory is still there: %v", err)
	}
}

// Cleaners of temp dirs remove files that are old, also those that are locked.
func TestPruneWithoutTheUseFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system keeps files that are open")
	}
	testtree.OwnPlaces(t)
	old, current := testpayload.Pack(t, testtree.ManyFiles(5)), testpayload.Pack(t, testtree.ManyFiles(6))
	oldTree, release := hold(t, old)
	now := start(t, current)
	testtree.Must(t, os.Remove(filepath.Join(oldTree+stateSuffix, "use")))
	if gone, err := now.Prune(0); err != nil || len(gone) != 0 {
		t.Fatalf("Prune removed %q, %v", gone, err)
	}
	release()
	testtree.Must(t, os.RemoveAll(filepath.Join(oldTree+stateSuffix, "use")))
	if gone, err := now.Prune(time.Hour); err != nil || len(gone) != 0 {
		t.Fatalf("Prune removed what was extracted a moment ago: %q, %v", gone, err)
	}
	testtree.Age(t, filepath.Join(oldTree+stateSuffix, "marker"), 2*time.Hour)
	if gone, err := now.Prune(time.Hour); err != nil || len(gone) != 1 {
		t.Fatalf("Prune removed %q, %v", gone, err)
	}
}

// A program that ran for long has used its tree until its end.
func TestCleanupTellsTheLastUse(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.ManyFiles(5))
	tree, release := hold(t, packed)
	defer release()
	e := start(t, packed)
	use := filepath.Join(tree+stateSuffix, "use")
	testtree.Age(t, use, 48*time.Hour)
	testtree.Must(t, e.Cleanup())
	if st, err := os.Stat(use); err != nil || time.Since(st.ModTime()) > time.Hour {
		t.Errorf("last used %v, %v", st.ModTime(), err)
	}
}
