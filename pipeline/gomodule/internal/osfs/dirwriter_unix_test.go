//go:build unix && !aix

package osfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/goempy/goempy/internal/testtree"
)

func writeIn(w *DirWriter, name, content string) error {
	f, err := w.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write([]byte(content)); err != nil {
		f.Abandon()
		return err
	}
	return f.Finish(0o640)
}

// A symlink on the way to a file, or in its place, is not followed.
func TestDirWriterFollowsNoSymlink(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	testtree.Make(t, elsewhere, []testtree.Node{{Name: "sub/"}, {Name: "secret", Content: "s"}})
	in, err := OpenDirWriter(dir)
	testtree.Must(t, err)
	defer in.Close()
	testtree.Must(t, in.Mkdir("real", 0o755))
	for name, target := range map[string]string{"out": elsewhere, "self": "real", "real/out": elsewhere, "file": "new", "real/file": filepath.Join(elsewhere, "new")} {
		testtree.Must(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	for _, name := range []string{"out/f", "out/sub/f", "self/f", "real/out/f", "file", "real/file"} {
		if err := writeIn(in, name, "x"); err == nil {
			t.Errorf("wrote %s", name)
		}
	}
	for _, name := range []string{"out/d", "out/sub/d", "self/d", "real/out/d", "file", "out"} {
		if err := in.Mkdir(name, 0o755); err == nil {
			t.Errorf("made the folder %s", name)
		}
	}
	for _, name := range []string{"out/secret", "self/../out/secret", "real/out/secret", "file"} {
		if f, err := in.Open(name); err == nil {
			f.Close()
			t.Errorf("opened %s", name)
		}
	}
	if got, want := testtree.Dump(t, elsewhere), testtree.Of(t, []testtree.Node{{Name: "sub/"}, {Name: "secret", Content: "s"}}); got != want {
		t.Errorf("elsewhere is now:\n%s", got)
	}
	if files, err := os.ReadDir(filepath.Join(dir, "real")); err != nil || len(files) != 2 {
		t.Errorf("in real: %v, %v", files, err)
	}
	if _, err := OpenDirWriter(filepath.Join(dir, "out")); err == nil {
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
func TestDirWriterWithManyFolders(t *testing.T) {
	old := syscall.Umask(0o777)
	defer syscall.Umask(old)
	dir := t.TempDir()
	testtree.Must(t, os.Chmod(dir, 0o700))
	before := openFiles(t)
	in, err := OpenDirWriter(dir)
	testtree.Must(t, err)
	const folders, files = 5 * maxOpenDirs, 4
	var want []testtree.Node
	for i := range folders {
		name := fmt.Sprintf("d%02d", i)
		testtree.Must(t, in.Mkdir(name, 0o755))
		testtree.Must(t, in.Mkdir(name+"/sub", 0o755))
		want = append(want, testtree.Node{Name: name + "/"}, testtree.Node{Name: name + "/sub/"})
		for k := range files {
			want = append(want, testtree.Node{Name: fmt.Sprintf("%s/sub/f%d", name, k), Content: fmt.Sprint(i, k), Perm: 0o640})
		}
	}
	var wg sync.WaitGroup
	for i := range folders {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := range files {
				if err := writeIn(in, fmt.Sprintf("d%02d/sub/f%d", i, k), fmt.Sprint(i, k)); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	if len(in.dirs) > maxOpenDirs {
		t.Errorf("%d folders are open", len(in.dirs))
	}
	in.Close()
	if after := openFiles(t); after != before {
		t.Errorf("%d files are open, before it was %d", after, before)
	}
	syscall.Umask(0o022)
	if got, want := testtree.Dump(t, dir), testtree.Of(t, want); got != want {
		t.Errorf("written:\n%s\nwant:\n%s", got, want)
	}
}

// openFiles counts this process's open files, where the system lists them.
func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Log(err)
	}
	return len(files)
}
