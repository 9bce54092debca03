//go:build unix && !aix

package embed_util

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func writeIn(t *tree, name, content string) error {
	e := &entry{name: name, mode: 0o640}
	return fillFile(t, name, e, func(w io.Writer) error {
		_, err := w.Write([]byte(content))
		return err
	})
}

// A symlink on the way to a file, or in its place, is not followed.
func TestTreeFollowsNoSymlink(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	makeTree(t, elsewhere, []node{{name: "sub/"}, {name: "secret", content: "s"}})
	in, err := openTree(dir)
	mustDo(t, err)
	defer in.close()
	mustDo(t, in.mkdir("real", 0o755))
	for name, target := range map[string]string{"out": elsewhere, "self": "real", "real/out": elsewhere, "file": "new", "real/file": filepath.Join(elsewhere, "new")} {
		mustDo(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	for _, name := range []string{"out/f", "out/sub/f", "self/f", "real/out/f", "file", "real/file"} {
		if err := writeIn(in, name, "x"); err == nil {
			t.Errorf("wrote %s", name)
		}
	}
	for _, name := range []string{"out/d", "out/sub/d", "self/d", "real/out/d", "file", "out"} {
		if err := in.mkdir(name, 0o755); err == nil {
			t.Errorf("made the folder %s", name)
		}
	}
	for _, name := range []string{"out/secret", "self/../out/secret", "real/out/secret", "file"} {
		if f, err := in.read(name); err == nil {
			f.Close()
			t.Errorf("opened %s", name)
		}
	}
	if got, want := dump(t, elsewhere), treeOf(t, []node{{name: "sub/"}, {name: "secret", content: "s"}}); got != want {
		t.Errorf("elsewhere is now:\n%s", got)
	}
	if files, err := os.ReadDir(filepath.Join(dir, "real")); err != nil || len(files) != 2 {
		t.Errorf("in real: %v, %v", files, err)
	}
	if _, err := openTree(filepath.Join(dir, "out")); err == nil {
		t.Error("opened a symlink as a tree")
	}
	if err := writeIn(in, "real/f", "x"); err != nil {
		t.Error(err)
	}
	if err := writeIn(in, "real/f", "y"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("wrote over a file: %v", err)
	}
}

// A tree uses any number of folders with few of them open, from many
// goroutines, and closes all of them.
func TestTreeWithManyFolders(t *testing.T) {
	old := syscall.Umask(0o777)
	defer syscall.Umask(old)
	dir := t.TempDir()
	mustDo(t, os.Chmod(dir, 0o700))
	before := openFiles(t)
	in, err := openTree(dir)
	mustDo(t, err)
	const folders, files = 5 * maxFolders, 4
	var want []node
	for i := range folders {
		name := fmt.Sprintf("d%02d", i)
		mustDo(t, in.mkdir(name, 0o755))
		mustDo(t, in.mkdir(name+"/sub", 0o755))
		want = append(want, node{name: name + "/"}, node{name: name + "/sub/"})
		for k := range files {
			want = append(want, node{name: fmt.Sprintf("%s/sub/f%d", name, k), content: fmt.Sprint(i, k), perm: 0o640})
		}
	}
	mustDo(t, parallel(t.Context(), folders*files, func(i int) error {
		i, k := i/files, i%files
		return writeIn(in, fmt.Sprintf("d%02d/sub/f%d", i, k), fmt.Sprint(i, k))
	}))
	if len(in.open) > maxFolders {
		t.Errorf("%d folders are open", len(in.open))
	}
	in.close()
	if after := openFiles(t); after != before {
		t.Errorf("%d files are open, before it was %d", after, before)
	}
	syscall.Umask(0o022)
	if got, want := dump(t, dir), treeOf(t, want); got != want {
		t.Errorf("written:\n%s\nwant:\n%s", got, want)
	}
}

// openFiles counts this process's open files, where the system tells.
func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Log(err)
	}
	return len(files)
}
