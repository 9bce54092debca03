package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/testtree"
)

func FuzzManifest(f *testing.F) {
	testtree.AddNonsense(f, 500, [][]byte{
		sealed(f, folder("d"), file("d/f"), link("l", "d/f")),
		sealed(f, file("../f"), link("l", "/x"), with(file("f"), "size", -1)),
		[]byte(`{"contentHash":"x","files":[{"name":"a\\b","size":3,"perm":420,"compressed":true},{"name":"l","perm":134217728,"symlink":"a/b"}]}`),
		[]byte(`{"format":2}`),
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, _ = readHead(bytes.NewReader(data))
		if lines, ok := decodeLines(data); ok {
			var slow jsonManifest
			if err := json.Unmarshal(data, &slow); err != nil || !reflect.DeepEqual(*lines, slow) {
				t.Errorf("as lines %+v, as JSON %+v, %v", lines, slow, err)
			}
		}
		m, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrManifest) {
				t.Errorf("does not match ErrManifest: %v", err)
			}
			return
		}
		// What is accepted stays below any folder and survives a round trip.
		for i := range m.Entries {
			e := &m.Entries[i]
			if !fs.ValidPath(e.Name) || !filepath.IsLocal(filepath.FromSlash(e.Name)) {
				t.Errorf("accepted the name %q", e.Name)
			}
			if e.IsSymlink() && filepath.IsAbs(e.Symlink) {
				t.Errorf("accepted the target %q", e.Symlink)
			}
			if e.IsRegular() && e.Blob == "" || e.Size < 0 {
				t.Errorf("accepted %+v", *e)
			}
		}
		if bytes.Contains(data, []byte(`"format"`)) && sealedEntries(m) {
			again, err := Parse(Encode(m))
			if err != nil {
				t.Fatalf("written again: %v", err)
			}
			if ContentHash(again.Entries) != ContentHash(m.Entries) {
				t.Error("the tree has changed on the way")
			}
		}
		_, _ = TreeEntries(m, true)
	})
}

// sealedEntries says that all entries are of format 1.
func sealedEntries(m *Manifest) bool {
	for i := range m.Entries {
		if e := &m.Entries[i]; e.IsRegular() && e.Sum == "" {
			return false
		}
	}
	return true
}

func FuzzPaths(f *testing.F) {
	f.Add("a/b", "../c")
	f.Add("../a", "/etc/passwd")
	f.Add(`a\b`, "..\\..")
	f.Add("a/./b", "x/../../..")
	f.Fuzz(func(t *testing.T, name, target string) {
		_ = checkNameWindows("x" + strings.Trim(name, "/") + "x")
		if CheckName(name) != nil {
			return
		}
		if !fs.ValidPath(name) || checkNameOS(name) == nil && !filepath.IsLocal(filepath.FromSlash(name)) {
			t.Errorf("accepted the name %q", name)
		}
		if checkTarget(name, target) != nil {
			return
		}
		joined := path.Join("/tree", path.Dir(name), target)
		if joined != "/tree" && !strings.HasPrefix(joined, "/tree/") {
			t.Errorf("%q -> %q leads to %s", name, target, joined)
		}
		final, escapes, loops := resolve(name, map[string]string{name: target})
		if !escapes && !loops && final != "." && !fs.ValidPath(final) {
			t.Errorf("%q -> %q resolves to %q", name, target, final)
		}
	})
}
