//go:build unix

package extract

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// A volume of a container: /tmp is open to all and lacks the sticky bit.
func TestTrustedDir(t *testing.T) {
	dir := testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	tmp := filepath.Join(dir, "tmp")
	t.Setenv("XDG_CACHE_HOME", filepath.Join(tmp, "cache"))
	for _, mode := range []os.FileMode{0o777, 0o777 | os.ModeSetgid} {
		testtree.Must(t, os.Chmod(tmp, mode))
		_, err := openNamed(os.DirFS(packed), "test")
		if !errors.Is(err, ErrUnsafeDir) {
			t.Errorf("error: %v", err)
			continue
		}
		for _, want := range []string{`WithTrustedDir("` + tmp + `")`, "GOEMPY_TRUSTED_DIR=" + tmp} {
			if strings.Count(err.Error(), want) != 1 {
				t.Errorf("%s is not once in: %v", want, err)
			}
		}
	}

	link := filepath.Join(dir, "link")
	testtree.Must(t, os.Symlink(tmp, link))
	for _, trusted := range []string{tmp, tmp + "/", link} {
		e := start(t, packed, Options{TrustedDirs: []string{"", trusted}})
		if !strings.HasPrefix(e.Dir(), tmp+"/") {
			t.Errorf("extracted to %s", e.Dir())
		}
		given := filepath.Join(tmp, "given")
		testtree.Must(t, cleaned(t)(openGiven(os.DirFS(packed), given, false, Options{TrustedDirs: []string{trusted}})).Verify())
	}
	t.Setenv("GOEMPY_TRUSTED_DIR", "/elsewhere:"+tmp)
	if e := start(t, packed); !strings.HasPrefix(e.Dir(), tmp+"/") {
		t.Errorf("extracted to %s", e.Dir())
	}

	// It is about the folders on the way, not about what is below.
	own := filepath.Dir(start(t, packed).Dir())
	testtree.Must(t, os.Chmod(own, 0o777))
	t.Setenv("XDG_CACHE_HOME", own)
	if _, err := openNamed(os.DirFS(packed), "test"); !errors.Is(err, ErrUnsafeDir) {
		t.Errorf("a folder of all: %v", err)
	}
	testtree.Must(t, os.Chmod(own, 0o700))
	t.Setenv("GOEMPY_TRUSTED_DIR", filepath.Join(tmp, "other"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	testtree.Must(t, os.Chmod(filepath.Join(dir, "cache"), 0o777))
	if _, err := openNamed(os.DirFS(packed), "test"); !errors.Is(err, ErrUnsafeDir) {
		t.Errorf("a folder beside the trusted one: %v", err)
	}
}

// sudo may keep this variable, too.
func TestRootTrustsNothingOfAUserByTheEnvironment(t *testing.T) {
	needRoot(t)
	dir := testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	for _, name := range []string{"tmp", "cache"} {
		testtree.Must(t, os.Chown(filepath.Join(dir, name), otherUID, otherUID))
	}
	t.Setenv("GOEMPY_TRUSTED_DIR", filepath.Join(dir, "tmp"))
	if _, err := openNamed(os.DirFS(packed), "test"); !errors.Is(err, ErrUnsafeDir) {
		t.Errorf("error: %v", err)
	}
	e := start(t, packed, Options{TrustedDirs: []string{filepath.Join(dir, "tmp")}})
	if !strings.HasPrefix(e.Dir(), filepath.Join(dir, "tmp")) {
		t.Errorf("extracted to %s", e.Dir())
	}
}
