package extract

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// waiting is a context that is asked for its error when a start begins to wait for a lock.
type waiting struct {
	context.Context
	once  sync.Once
	begun chan struct{}
}

func (w *waiting) Err() error {
	w.once.Do(func() { close(w.begun) })
	return w.Context.Err()
}

// A start that waits for the one that makes the tree takes its word, and looks at every file if
// anything was there before. A change meanwhile is found by the next start at the latest.
func TestWhatAWaiterLooksAt(t *testing.T) {
	for name, each := range map[string]struct {
		tree, marker bool // was there when the start began
		otherFolder  bool // not the one that was recorded
		found        bool
	}{
		"neither":      {},
		"marker":       {marker: true, found: true}, // as a cleaner of temp dirs may leave it
		"tree":         {tree: true, found: true},   // as during a repair
		"both":         {tree: true, marker: true, found: true},
		"other folder": {otherFolder: true, found: true},
	} {
		t.Run(name, func(t *testing.T) {
			if each.otherFolder && !osfs.HasChangeTime {
				t.Skip("this system does not number folders")
			}
			testtree.OwnPlaces(t)
			packed := testpayload.Pack(t, testtree.Sample())
			e := start(t, packed)
			loc, want := e.at.loc, testtree.Dump(t, e.Dir())
			lock, err := osfs.TakeLock(t.Context(), loc.lockPath(), osfs.WaitExclusive)
			testtree.Must(t, err)
			defer lock.Close()
			if !each.tree {
				testtree.Must(t, osfs.Rename(loc.tree, loc.tree+"-aside"))
			}
			if !each.marker {
				testtree.Must(t, osfs.Rename(loc.markerPath(), loc.markerPath()+"-aside"))
			}
			ctx := &waiting{Context: t.Context(), begun: make(chan struct{})}
			done := make(chan error, 1)
			go func() {
				_, err := (&job{pl: e.pl, opts: &e.opts}).ensure(ctx, &loc)
				done <- err
			}()
			<-ctx.begun
			if each.otherFolder {
				testtree.Must(t, os.Mkdir(loc.tree, 0o700))
				files, err := os.ReadDir(loc.tree + "-aside")
				testtree.Must(t, err)
				for _, f := range files {
					testtree.Must(t, os.Rename(filepath.Join(loc.tree+"-aside", f.Name()), filepath.Join(loc.tree, f.Name())))
				}
			} else if !each.tree {
				testtree.Must(t, osfs.Rename(loc.tree+"-aside", loc.tree))
			}
			if !each.marker {
				testtree.Must(t, osfs.Rename(loc.markerPath()+"-aside", loc.markerPath()))
			}
			testtree.Must(t, os.Truncate(filepath.Join(loc.tree, "lib", "pkg", "mod.py"), 3))
			testtree.Must(t, lock.Close())
			testtree.Must(t, <-done)
			if found := testtree.Dump(t, loc.tree) == want; found != each.found {
				t.Errorf("the change was found: %v", found)
			}
			start(t, packed)
			if got := testtree.Dump(t, loc.tree); got != want {
				t.Errorf("after the next start:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}
