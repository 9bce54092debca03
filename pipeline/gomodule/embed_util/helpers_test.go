package embed_util

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// node is one file of a test tree: a folder when it ends in "/", a symlink
// when it has a target.
type node struct {
	name, content, target string
	perm                  fs.FileMode
}

// sample is a small tree with everything that is hard about trees.
func sample() []node {
	return []node{
		{name: "bin/"},
		{name: "bin/python3", target: "python3.14"},
		{name: "bin/python3.14", content: "#!/bin/sh\nexit 0\n", perm: 0o755},
		{name: "lib/"},
		{name: "lib/big.so", content: strings.Repeat("0123456789abcdef", 1<<17), perm: 0o755},
		{name: "lib/chain", target: "link"},
		{name: "lib/link", target: "big.so"},
		{name: "lib/pkg/"},
		{name: "lib/pkg/.hidden", content: "dot"},
		{name: "lib/pkg/__init__.py", content: ""},
		{name: "lib/pkg/_under.py", content: "x = 1\n"},
		{name: "lib/pkg/mod.py", content: strings.Repeat("def f(): pass\n", 400)},
		{name: "lib/pkg-link", target: "pkg"},
		{name: "lib/same.py", content: "x = 1\n"},
		{name: "lib/ünïcode/"},
		{name: "lib/ünïcode/ß 文.txt", content: "text"},
		{name: "share/"},
		{name: "share/empty/"},
	}
}

// On Windows symlinks are copies of what they lead to, as in an extracted tree.
func makeTree(t testing.TB, dir string, nodes []node) {
	t.Helper()
	var copies []node
	for _, n := range nodes {
		path := filepath.Join(dir, filepath.FromSlash(n.name))
		var err error
		switch {
		case strings.HasSuffix(n.name, "/"):
			err = os.MkdirAll(path, 0o755)
		case n.target != "" && runtime.GOOS == "windows":
			copies = append(copies, n)
		case n.target != "":
			err = os.Symlink(n.target, path)
		default:
			perm := n.perm
			if perm == 0 {
				perm = 0o644
			}
			if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
				err = os.WriteFile(path, []byte(n.content), perm)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for len(copies) > 0 { // one may lead to another
		n := copies[0]
		path := filepath.Join(dir, filepath.FromSlash(n.name))
		from := filepath.Join(filepath.Dir(path), filepath.FromSlash(n.target))
		copies = copies[1:]
		st, err := os.Stat(from)
		switch {
		case err != nil && len(copies) > 0:
			copies = append(copies, n)
			continue
		case err == nil && st.IsDir():
			err = os.CopyFS(path, os.DirFS(from))
		case err == nil:
			var b []byte
			if b, err = os.ReadFile(from); err == nil {
				err = os.WriteFile(path, b, 0o644)
			}
		}
		mustDo(t, err)
	}
}

// layouts are the ways to pack.
var layouts = map[string][]PackOption{"blobs": nil, "stream": {WithStream()}}

// eachLayout runs a test with payloads of every layout.
func eachLayout(t *testing.T, test func(t *testing.T, opts ...PackOption)) {
	for name, opts := range layouts {
		t.Run(name, func(t *testing.T) { test(t, opts...) })
	}
}

// pack packs nodes and returns the directory of the payload.
func pack(t testing.TB, nodes []node, opts ...PackOption) string {
	t.Helper()
	src, out := filepath.Join(t.TempDir(), "src"), filepath.Join(t.TempDir(), "out")
	if err := os.Mkdir(src, 0o755); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		makeTree(t, src, nodes)
		mustDo(t, CopyForEmbed(out, src, opts...))
		return out
	}
	// A payload with symlinks, which comes from another system.
	isLink := func(n node) bool { return n.target != "" }
	makeTree(t, src, slices.DeleteFunc(slices.Clone(nodes), isLink))
	mustDo(t, CopyForEmbed(out, src, opts...))
	path := filepath.Join(out, manifestName)
	text, err := os.ReadFile(path)
	mustDo(t, err)
	m, err := parseManifest(text)
	mustDo(t, err)
	for _, n := range nodes {
		if isLink(n) {
			m.entries = append(m.entries, entry{name: n.name, mode: fs.ModeSymlink | 0o777, symlink: n.target})
		}
	}
	sortEntries(m.entries)
	mustDo(t, os.WriteFile(path, encodeManifest(m), 0o644))
	return out
}

// ownPlaces points the temp and the cache dir into a directory of the test.
func ownPlaces(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(dir, "tmp"))
	t.Setenv("TMP", filepath.Join(dir, "tmp"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Setenv("HOME", filepath.Join(dir, "home"))
	t.Setenv("LocalAppData", filepath.Join(dir, "cache"))
	for _, d := range []string{"tmp", "cache", "home"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// dump describes a tree as text, so that trees compare and differences show.
func dump(t testing.TB, dir string) string {
	t.Helper()
	var b bytes.Buffer
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		b.WriteString(filepath.ToSlash(rel) + " " + info.Mode().String() + " ")
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			target, _ := os.Readlink(path)
			b.WriteString("-> " + target)
		case info.Mode().IsRegular():
			sum, err := hashFile(path)
			if err != nil {
				return err
			}
			b.WriteString(sum)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// start is a default start; its directory is given back to the system at the
// end of the test.
func start(t testing.TB, payload string, opts ...Option) *EmbeddedFiles {
	t.Helper()
	return cleaned(t)(NewEmbeddedFiles(os.DirFS(payload), "test", opts...))
}

// cleaned checks what a constructor has returned, and cleans it up at the end of
// the test: Windows keeps directories whose locks are held.
func cleaned(t testing.TB) func(*EmbeddedFiles, error) *EmbeddedFiles {
	t.Helper()
	return func(e *EmbeddedFiles, err error) *EmbeddedFiles {
		t.Helper()
		mustDo(t, err)
		t.Cleanup(func() { _ = e.Cleanup() })
		return e
	}
}

// treeOf makes nodes in a directory, for comparison.
func treeOf(t testing.TB, nodes []node) string {
	t.Helper()
	dir := t.TempDir()
	makeTree(t, dir, nodes)
	return dump(t, dir)
}

// age turns a file's times back, the way a change in the past looks.
func age(t testing.TB, path string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}
