package extract

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// clean runs systemd-tmpfiles for everything in dir that is older than a day.
func clean(t *testing.T, dir string) {
	t.Helper()
	program, err := exec.LookPath("systemd-tmpfiles")
	if err != nil {
		t.Skip("needs systemd-tmpfiles (Debian: systemd)")
	}
	config := filepath.Join(t.TempDir(), "tmp.conf")
	testtree.Must(t, os.WriteFile(config, []byte("d "+dir+" - - - m:1d\n"), 0o644))
	if out, err := exec.Command(program, "--clean", config).CombinedOutput(); err != nil {
		t.Skipf("systemd-tmpfiles does not run here: %v: %s", err, out)
	}
}

// ageAll makes a tree with all that is in it older than two days.
func ageAll(t *testing.T, dir string) {
	t.Helper()
	testtree.Must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type()&os.ModeSymlink == 0 {
			testtree.Age(t, path, 48*time.Hour)
		}
		return err
	}))
}

// systemd-tmpfiles leaves a tree alone as long as a process uses it.
func TestCleanerOfTempDirs(t *testing.T) {
	dir := filepath.Join(testtree.OwnPlaces(t), "tmp")
	nodes := testtree.ManyFiles(30)
	packed := testpayload.Pack(t, nodes)
	for name, first := range map[string]bool{"extracted by this process": true, "found": false} {
		t.Run(name, func(t *testing.T) {
			if !first {
				tree, release := hold(t, packed)
				release()
				defer func() {
					// Nobody uses it: it may be cleaned, and is made anew.
					ageAll(t, tree)
					clean(t, dir)
					if files, _ := filepath.Glob(filepath.Join(tree, "lib", "*", "*.py")); len(files) > 0 {
						t.Errorf("the cleaner removes nothing: %q", files)
					}
					e := start(t, packed)
					testtree.Must(t, e.Verify())
				}()
			}
			tree, release := hold(t, packed)
			ageAll(t, filepath.Dir(tree))
			want := testtree.Dump(t, tree)
			clean(t, dir)
			if got := testtree.Dump(t, tree); got != want {
				t.Errorf("cleaned:\n%s\nbefore:\n%s", got, want)
			}
			release()
		})
	}
}
