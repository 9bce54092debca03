package extract

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testtree"
)

// packLegacy packs a tree the way go-embed-python does: no format, no hashes,
// content under its own name, ".gz" appended to what was compressed.
func packLegacy(t testing.TB, src string, windows bool) string {
	t.Helper()
	type oldEntry struct {
		Name       string      `json:"name"`
		Size       int64       `json:"size"`
		Mode       fs.FileMode `json:"perm"`
		Symlink    string      `json:"symlink,omitempty"`
		Compressed bool        `json:"compressed,omitempty"`
	}
	out := t.TempDir()
	var files []oldEntry
	testtree.Must(t, filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == src {
			return err
		}
		rel, _ := filepath.Rel(src, path)
		info, err := d.Info()
		testtree.Must(t, err)
		e := oldEntry{Name: rel, Size: info.Size(), Mode: info.Mode()}
		if windows {
			e.Name = strings.ReplaceAll(filepath.ToSlash(rel), "/", `\`)
		}
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			e.Symlink, err = os.Readlink(path)
			testtree.Must(t, err)
			e.Mode &^= fs.ModePerm
		case d.IsDir():
			e.Size = 0
		default:
			data, err := os.ReadFile(path)
			testtree.Must(t, err)
			to := filepath.Join(out, rel)
			testtree.Must(t, os.MkdirAll(filepath.Dir(to), 0o755))
			if e.Compressed = bytes.Contains(data, []byte("0123456789abcdef")); e.Compressed {
				var b bytes.Buffer
				gz := gzip.NewWriter(&b)
				_, err := gz.Write(data)
				testtree.Must(t, err)
				testtree.Must(t, gz.Close())
				data, to = b.Bytes(), to+".gz"
			}
			testtree.Must(t, os.WriteFile(to, data, 0o644))
		}
		files = append(files, e)
		return nil
	}))
	data, err := json.MarshalIndent(map[string]any{"contentHash": "0123", "files": files}, "", "  ")
	testtree.Must(t, err)
	testtree.Must(t, os.WriteFile(filepath.Join(out, payload.ManifestName), data, 0o644))
	return out
}

func TestLegacyManifest(t *testing.T) {
	for name, windows := range map[string]bool{"unix": false, "backslashes": true} {
		t.Run(name, func(t *testing.T) {
			testtree.OwnPlaces(t)
			src := t.TempDir()
			testtree.Make(t, src, testtree.Sample())
			packed := packLegacy(t, src, windows)
			e := start(t, packed)
			tree := e.Dir()
			want := testtree.Of(t, testtree.Sample())
			if got := testtree.Dump(t, tree); got != want {
				t.Fatalf("extracted:\n%s\nwant:\n%s", got, want)
			}
			if again := start(t, packed); again.at.fresh {
				t.Error("extracted again")
			}
			for _, name := range []string{"lib/big.so", "lib/same.py"} {
				testtree.Must(t, os.WriteFile(filepath.Join(tree, name), []byte("x = 2\n"), 0o755))
			}
			if e.Verify() == nil {
				t.Error("Verify sees nothing")
			}
			start(t, packed)
			if got := testtree.Dump(t, tree); got != want {
				t.Errorf("after a repair:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestWriteFileList(t *testing.T) {
	testtree.OwnPlaces(t)
	dir := t.TempDir()
	nodes := []testtree.Node{{Name: "a/"}, {Name: "a/b.py", Content: "b"}, {Name: "top.txt", Content: "top"}}
	testtree.Make(t, dir, nodes)
	testtree.Must(t, payload.WriteFileList(dir))
	first, err := os.ReadFile(filepath.Join(dir, payload.ManifestName))
	testtree.Must(t, err)
	testtree.Must(t, payload.WriteFileList(dir))
	if again, err := os.ReadFile(filepath.Join(dir, payload.ManifestName)); err != nil || !bytes.Equal(again, first) {
		t.Errorf("the second list differs: %v\n%s", err, again)
	}
	e := start(t, dir)
	if got, want := testtree.Dump(t, e.Dir()), testtree.Of(t, nodes); got != want {
		t.Errorf("extracted:\n%s\nwant:\n%s", got, want)
	}
	testtree.Must(t, os.WriteFile(filepath.Join(dir, "top.txt"), []byte("new"), 0o644))
	testtree.Must(t, payload.WriteFileList(dir))
	other := start(t, dir)
	if other.Dir() == e.Dir() {
		t.Error("other content, same directory")
	}
}
