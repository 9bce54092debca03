package extract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// Where there are no symlinks, a tree has copies of what they lead to.
func TestCopiesInsteadOfSymlinks(t *testing.T) {
	testpayload.EachLayout(t, testCopiesInsteadOfSymlinks)
}

func testCopiesInsteadOfSymlinks(t *testing.T, opts ...payload.PackOptions) {
	packed := testpayload.Pack(t, append(testtree.Sample(), testtree.Node{Name: "lib/pkg/inner", Target: "../../bin/python3"}), opts...)
	pl, err := payload.Open(os.DirFS(packed))
	testtree.Must(t, err)
	man, err := pl.Manifest()
	testtree.Must(t, err)
	plan, err := payload.TreeEntries(man, true)
	testtree.Must(t, err)
	loc, err := givenLocation(filepath.Join(t.TempDir(), "tree"), pl.Key, false, nil)
	testtree.Must(t, err)
	testtree.Must(t, loc.prepare())
	b := &builder{ctx: t.Context(), loc: &loc, plan: plan, key: pl.Key, copies: true, from: payload.NewSource(pl.FS, man)}
	testtree.Must(t, b.build())
	got := testtree.Dump(t, loc.tree)
	if strings.Contains(got, "->") {
		t.Errorf("there are symlinks:\n%s", got)
	}
	for link, target := range map[string]string{
		"bin/python3": "bin/python3.14", "lib/chain": "lib/big.so", "lib/pkg/inner": "bin/python3.14",
		"lib/pkg-link/mod.py": "lib/pkg/mod.py", "lib/pkg-link/inner": "bin/python3.14",
	} {
		a, errA := payload.HashFile(filepath.Join(loc.tree, link))
		b, errB := payload.HashFile(filepath.Join(loc.tree, target))
		if errA != nil || errB != nil || a != b {
			t.Errorf("%s is not a copy of %s: %v, %v", link, target, errA, errB)
		}
	}
	// A look and Verify know how the tree was made.
	if seen := inspect(&loc, pl.Key); !seen.good(pl.Key) || !seen.marker.copies {
		t.Errorf("view is %+v", seen)
	}
	j := job{pl: pl, opts: &Options{Context: t.Context()}}
	testtree.Must(t, j.verify(t.Context(), &loc))
}
