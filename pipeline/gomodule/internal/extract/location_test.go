package extract

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

func TestSafeName(t *testing.T) {
	for name, want := range map[string]string{"myapp": "myapp", "../x": ".._x", `a/b\c`: "a_b_c", "a\x00b": "a_b", "a:b;c": "a_b_c"} {
		if got := safeName(name); got != want {
			t.Errorf("safeName(%q) is %q", name, got)
		}
	}
}

func TestPlantedSymlinkOfOneself(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs symlinks")
	}
	dir := testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	e := start(t, packed)
	tree := e.Dir()
	testtree.Must(t, e.Cleanup())
	victim := t.TempDir()
	testtree.Must(t, os.Symlink(victim, tree))
	e = start(t, packed)
	if strings.HasPrefix(e.Dir(), filepath.Join(dir, "tmp")) {
		t.Errorf("extracted to %s", e.Dir())
	}
	_, err := openGiven(os.DirFS(packed), tree, false)
	if !errors.Is(err, ErrUnsafeDir) || !strings.Contains(err.Error(), "is a symlink") {
		t.Errorf("error: %v", err)
	}
	if files, _ := os.ReadDir(victim); len(files) > 0 {
		t.Errorf("written through the symlink: %v", files)
	}
}

func TestOpenDirectoriesAreRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs permission bits")
	}
	dir := testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	e := start(t, packed)
	root := filepath.Dir(e.Dir())
	testtree.Must(t, os.Chmod(root, 0o755))
	other := start(t, packed)
	if want := filepath.Join(dir, "cache", "goempy"); filepath.Dir(other.Dir()) != want {
		t.Errorf("extracted to %s", other.Dir())
	}
	open := filepath.Join(dir, "open")
	testtree.Must(t, os.Mkdir(open, 0o700))
	testtree.Must(t, os.Chmod(open, 0o777))
	_, err := openGiven(os.DirFS(packed), open, false)
	if !errors.Is(err, ErrUnsafeDir) || !strings.Contains(err.Error(), open) {
		t.Errorf("error: %v", err)
	}
}

// The temp dir is for all users: it is not for one of them to make it.
func TestMissingTempDirIsNotMade(t *testing.T) {
	dir := testtree.OwnPlaces(t)
	tmp := filepath.Join(dir, "tmp")
	testtree.Must(t, os.Remove(tmp))
	testtree.Must(t, os.Remove(filepath.Join(dir, "cache")))
	e := start(t, testpayload.Pack(t, testtree.Sample()))
	if !strings.HasPrefix(e.Dir(), filepath.Join(dir, "cache")) {
		t.Errorf("extracted to %s", e.Dir())
	}
	if _, err := os.Lstat(tmp); err == nil {
		t.Error("the temp dir was made")
	}
}

func TestSharedTemp(t *testing.T) {
	for _, c := range []struct {
		goos, temp, root string
		want             bool
	}{
		{"windows", `C:\Windows\Temp`, `C:\Windows`, true},
		{"windows", `c:\windows\TEMP\`, `C:\Windows`, true},
		{"windows", `C:/WINDOWS/temp`, `C:\Windows\`, true},
		{"windows", `C:\Users\u\AppData\Local\Temp`, `C:\Windows`, false},
		{"windows", `C:\Windows\Temp`, "", false},
		{"linux", "/tmp", "", false},
	} {
		if got := sharedTemp(c.goos, c.temp, c.root); got != c.want {
			t.Errorf("sharedTemp of %q is %v", c.temp, got)
		}
	}
}

func TestNoPlaceAtAll(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the places of Windows have other variables")
	}
	dir := testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	file := filepath.Join(dir, "file")
	testtree.Must(t, os.WriteFile(file, nil, 0o600))
	t.Setenv("TMPDIR", filepath.Join(file, "no"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(file, "neither"))
	_, err := openNamed(os.DirFS(packed), "test")
	if err == nil || !strings.Contains(err.Error(), "temp dir") || !strings.Contains(err.Error(), "cache dir") {
		t.Errorf("error: %v", err)
	}
}

// Every place says what is wrong with it, also one that the environment does not name.
func TestNoCacheDir(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("the cache dir has other variables there")
	}
	packed := testpayload.Pack(t, testtree.Sample())
	for want, set := range map[string]func(){
		"XDG_CACHE_HOME nor $HOME are defined": func() { t.Setenv("XDG_CACHE_HOME", ""); t.Setenv("HOME", "") },
		"XDG_CACHE_HOME is relative":           func() { t.Setenv("XDG_CACHE_HOME", "cache") },
	} {
		dir := testtree.OwnPlaces(t)
		t.Setenv("TMPDIR", filepath.Join(dir, "missing"))
		set()
		_, err := openNamed(os.DirFS(packed), "test")
		if err == nil || !strings.Contains(err.Error(), "(temp dir)") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

// Python splits PYTHONPATH at such a character.
func TestListSeparatorInTheTempDir(t *testing.T) {
	dir := testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	odd := filepath.Join(dir, "a"+string(os.PathListSeparator)+"b")
	if err := os.Mkdir(odd, 0o700); err != nil {
		t.Skip(err)
	}
	t.Setenv("TMPDIR", odd)
	t.Setenv("TMP", odd)
	e := start(t, packed)
	if want := filepath.Join(dir, "cache"); !strings.HasPrefix(e.Dir(), want) {
		t.Errorf("extracted to %s", e.Dir())
	}
	testtree.Must(t, os.Remove(odd))
}
