// Package testtree makes and describes trees of files for tests.
package testtree

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// RegularFiles are the paths of the regular files of a tree.
func RegularFiles(t testing.TB, tree string) []string {
	t.Helper()
	var files []string
	Must(t, filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	}))
	return files
}

// Must ends the test with an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Node is one file of a test tree: a folder when it ends in "/", a symlink
// when it has a target.
type Node struct {
	Name, Content, Target string
	Perm                  fs.FileMode
}

// Sample is a small tree with everything that is hard about trees.
func Sample() []Node {
	return []Node{
		{Name: "bin/"},
		{Name: "bin/python3", Target: "python3.14"},
		{Name: "bin/python3.14", Content: "#!/bin/sh\nexit 0\n", Perm: 0o755},
		{Name: "lib/"},
		{Name: "lib/big.so", Content: strings.Repeat("0123456789abcdef", 1<<16+1), Perm: 0o755},
		{Name: "lib/chain", Target: "link"},
		{Name: "lib/link", Target: "big.so"},
		{Name: "lib/pkg/"},
		{Name: "lib/pkg/.hidden", Content: "dot"},
		{Name: "lib/pkg/__init__.py", Content: ""},
		{Name: "lib/pkg/_under.py", Content: "x = 1\n"},
		{Name: "lib/pkg/mod.py", Content: strings.Repeat("def f(): pass\n", 400)},
		{Name: "lib/pkg-link", Target: "pkg"},
		{Name: "lib/same.py", Content: "x = 1\n"},
		{Name: "lib/ünïcode/"},
		{Name: "lib/ünïcode/ß 文.txt", Content: "text"},
		{Name: "share/"},
		{Name: "share/empty/"},
	}
}

// On Windows symlinks are copies of what they lead to, as in an extracted tree.
func Make(t testing.TB, dir string, nodes []Node) {
	t.Helper()
	var copies []Node
	for _, n := range nodes {
		path := filepath.Join(dir, filepath.FromSlash(n.Name))
		var err error
		switch {
		case strings.HasSuffix(n.Name, "/"):
			err = os.MkdirAll(path, 0o755)
		case n.Target != "" && runtime.GOOS == "windows":
			copies = append(copies, n)
		case n.Target != "":
			err = os.Symlink(n.Target, path)
		default:
			perm := n.Perm
			if perm == 0 {
				perm = 0o644
			}
			if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
				err = os.WriteFile(path, []byte(n.Content), perm)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for len(copies) > 0 { // one may lead to another
		n := copies[0]
		path := filepath.Join(dir, filepath.FromSlash(n.Name))
		from := filepath.Join(filepath.Dir(path), filepath.FromSlash(n.Target))
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
		Must(t, err)
	}
}

// OwnPlaces points the temp and the cache dir into a directory of the test.
func OwnPlaces(t testing.TB) string {
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

// Dump describes a tree as text, so that trees compare and differences show.
func Dump(t testing.TB, dir string) string {
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
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%x", sha256.Sum256(data))
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// One is the only element of opts, or nothing.
func One[T any](opts []T) (o T) {
	if len(opts) > 0 {
		o = opts[0]
	}
	return o
}

// Of makes nodes in a directory, for comparison.
func Of(t testing.TB, nodes []Node) string {
	t.Helper()
	dir := t.TempDir()
	Make(t, dir, nodes)
	return Dump(t, dir)
}

// Age turns a file's times back, the way a change in the past looks.
func Age(t testing.TB, path string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// ManyFiles is a tree that takes a while to write.
func ManyFiles(n int) []Node {
	nodes := []Node{{Name: "bin/"}, {Name: "bin/python3", Content: "#!/bin/sh\necho ok\n", Perm: 0o755}}
	nodes = append(nodes, Node{Name: "lib/"}, Node{Name: "lib/link", Target: "d0"})
	for i := range n {
		dir := fmt.Sprintf("lib/d%d/", i%10)
		if i < 10 {
			nodes = append(nodes, Node{Name: dir})
		}
		nodes = append(nodes, Node{Name: fmt.Sprintf("%sf%d.py", dir, i), Content: strings.Repeat(fmt.Sprintf("line %d\n", i), 200)})
	}
	return nodes
}
