package embed_util

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// packOld packs a tree the way go-embed-python does: no format, no hashes,
// content under its own name, ".gz" appended to what was compressed.
func packOld(t testing.TB, src string, windows bool) string {
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
	mustDo(t, filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == src {
			return err
		}
		rel, _ := filepath.Rel(src, path)
		info, err := d.Info()
		mustDo(t, err)
		e := oldEntry{Name: rel, Size: info.Size(), Mode: info.Mode()}
		if windows {
			e.Name = strings.ReplaceAll(filepath.ToSlash(rel), "/", `\`)
		}
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			e.Symlink, err = os.Readlink(path)
			mustDo(t, err)
			e.Mode &^= fs.ModePerm
		case d.IsDir():
			e.Size = 0
		default:
			data, err := os.ReadFile(path)
			mustDo(t, err)
			to := filepath.Join(out, rel)
			mustDo(t, os.MkdirAll(filepath.Dir(to), 0o755))
			if e.Compressed = bytes.Contains(data, []byte("0123456789abcdef")); e.Compressed {
				var b bytes.Buffer
				gz := gzip.NewWriter(&b)
				_, err := gz.Write(data)
				mustDo(t, err)
				mustDo(t, gz.Close())
				data, to = b.Bytes(), to+".gz"
			}
			mustDo(t, os.WriteFile(to, data, 0o644))
		}
		files = append(files, e)
		return nil
	}))
	data, err := json.MarshalIndent(map[string]any{"contentHash": "0123", "files": files}, "", "  ")
	mustDo(t, err)
	mustDo(t, os.WriteFile(filepath.Join(out, manifestName), data, 0o644))
	return out
}

func TestOldManifest(t *testing.T) {
	for name, windows := range map[string]bool{"unix": false, "backslashes": true} {
		t.Run(name, func(t *testing.T) {
			ownPlaces(t)
			src := t.TempDir()
			makeTree(t, src, sample())
			payload := packOld(t, src, windows)
			e := start(t, payload)
			tree := e.GetExtractedPath()
			want := treeOf(t, sample())
			if got := dump(t, tree); got != want {
				t.Fatalf("extracted:\n%s\nwant:\n%s", got, want)
			}
			if again := start(t, payload); again.at.fresh {
				t.Error("extracted again")
			}
			for _, name := range []string{"lib/big.so", "lib/same.py"} {
				mustDo(t, os.WriteFile(filepath.Join(tree, name), []byte("x = 2\n"), 0o755))
			}
			if e.Verify() == nil {
				t.Error("Verify sees nothing")
			}
			start(t, payload)
			if got := dump(t, tree); got != want {
				t.Errorf("after a repair:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestOldManifestFaults(t *testing.T) {
	for want, data := range map[string]string{
		`path element ".."`: `{"files":[{"name":"..\\x","size":1,"perm":420}]}`,
		"leaves the tree":   `{"files":[{"name":"l","perm":134217728,"symlink":"../x"}]}`,
		"stands there twice": `{"files":[{"name":"a/b","size":1,"perm":420},` +
			`{"name":"a\\b","size":1,"perm":420}]}`,
		"size is missing": `{"files":[{"name":"a","perm":420}]}`,
		"not a file":      `{"files":[{"name":"a","size":1,"perm":33554852}]}`,
	} {
		if _, err := parseManifest([]byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestBuildAndWriteFilesList(t *testing.T) {
	ownPlaces(t)
	dir := t.TempDir()
	nodes := []node{{name: "a/"}, {name: "a/b.py", content: "b"}, {name: "top.txt", content: "top"}}
	makeTree(t, dir, nodes)
	mustDo(t, BuildAndWriteFilesList(dir))
	first, err := os.ReadFile(filepath.Join(dir, manifestName))
	mustDo(t, err)
	mustDo(t, BuildAndWriteFilesList(dir))
	if again, err := os.ReadFile(filepath.Join(dir, manifestName)); err != nil || !bytes.Equal(again, first) {
		t.Errorf("the second list differs: %v\n%s", err, again)
	}
	e := start(t, dir)
	if got, want := dump(t, e.GetExtractedPath()), treeOf(t, nodes); got != want {
		t.Errorf("extracted:\n%s\nwant:\n%s", got, want)
	}
	mustDo(t, os.WriteFile(filepath.Join(dir, "top.txt"), []byte("new"), 0o644))
	mustDo(t, BuildAndWriteFilesList(dir))
	other := start(t, dir)
	if other.GetExtractedPath() == e.GetExtractedPath() {
		t.Error("other content, same directory")
	}
}
