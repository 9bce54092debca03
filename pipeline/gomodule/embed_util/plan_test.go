package embed_util

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Where there are no symlinks, a tree has copies of what they lead to.
func TestCopiesInsteadOfSymlinks(t *testing.T) { eachLayout(t, testCopiesInsteadOfSymlinks) }

func testCopiesInsteadOfSymlinks(t *testing.T, opts ...PackOption) {
	payload := pack(t, append(sample(), node{name: "lib/pkg/inner", target: "../../bin/python3"}), opts...)
	pl, err := openPayload(os.DirFS(payload))
	mustDo(t, err)
	man, err := pl.manifest()
	mustDo(t, err)
	plan, err := planFor(man, true)
	mustDo(t, err)
	p, err := givenPlace(filepath.Join(t.TempDir(), "tree"), pl.key, false)
	mustDo(t, err)
	mustDo(t, p.prepare())
	w := &worker{ctx: t.Context(), place: &p, plan: plan, key: pl.key, copies: true, from: contentsOf(pl.fsys, man)}
	mustDo(t, w.build())
	got := dump(t, p.tree)
	if strings.Contains(got, "->") {
		t.Errorf("there are symlinks:\n%s", got)
	}
	for link, target := range map[string]string{
		"bin/python3": "bin/python3.14", "lib/chain": "lib/big.so", "lib/pkg/inner": "bin/python3.14",
		"lib/pkg-link/mod.py": "lib/pkg/mod.py", "lib/pkg-link/inner": "bin/python3.14",
	} {
		a, errA := hashFile(filepath.Join(p.tree, link))
		b, errB := hashFile(filepath.Join(p.tree, target))
		if errA != nil || errB != nil || a != b {
			t.Errorf("%s is not a copy of %s: %v, %v", link, target, errA, errB)
		}
	}
	// A look and Verify know how the tree was made.
	if v := lookAt(&p, pl.key); !v.good(pl.key) || !v.marker.copies {
		t.Errorf("view is %+v", v)
	}
	j := job{pl: pl, opts: &options{ctx: t.Context()}}
	mustDo(t, j.verify(t.Context(), &p))
}

func TestCopiesOfNothing(t *testing.T) {
	m, err := parseManifest(sealed(t, folder("d"), link("d/self", "."), link("dangling", "nowhere"), link("loop", "loop")))
	mustDo(t, err)
	_, err = planFor(m, true)
	for _, want := range []string{"dangling", "loop", "d/self"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if _, err := planFor(m, false); err != nil {
		t.Error(err)
	}
}
