package python

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestInterpreterThatDoesNotStart(t *testing.T) {
	const script = "#!/bin/sh\necho \"python3: /lib64/libm.so.6: version \\`GLIBC_2.99' not found (required by python3)\" >&2\nexit 1\n"
	_, err := newFake(t, script)
	var start *StartError
	if !errors.Is(err, ErrCannotStart) || !errors.As(err, &start) {
		t.Fatalf("error: %v", err)
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(start.Stderr, "GLIBC_2.99") || !strings.Contains(start.Cause, "older than GLIBC_2.99") {
		t.Errorf("error: %+v", start)
	}
	if left, err := os.ReadDir(filepath.Dir(filepath.Dir(filepath.Dir(start.Exe)))); err != nil || len(left) > 0 {
		t.Errorf("the tree was left: %v", err)
	}
}

func TestWithoutSelfCheck(t *testing.T) {
	ep, err := newFake(t, "#!/bin/sh\necho broken >&2\nexit 1\n", WithoutSelfCheck())
	if err != nil {
		t.Fatal(err)
	}
	if err := ep.SelfCheck(t.Context()); !errors.Is(err, ErrCannotStart) || !strings.Contains(err.Error(), "broken") {
		t.Errorf("SelfCheck: %v", err)
	}
}

func TestLazyExtractTellsErrorsLater(t *testing.T) {
	ep, err := newFake(t, "#!/bin/sh\nexit 1\n", WithLazyExtract())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ep.PythonCmd("x"); !errors.Is(err, ErrCannotStart) {
		t.Errorf("PythonCmd: %v", err)
	}
	if ep.GetExtractedPath() != "" {
		t.Error("there is a path")
	}
}

func TestMissingLoader(t *testing.T) {
	ep, err := newFake(t, "#!/no/such/loader\n", WithoutSelfCheck())
	if err != nil {
		t.Fatal(err)
	}
	if err := ep.SelfCheck(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("SelfCheck: %v", err)
	}
	has := func(files ...string) func(string) bool {
		return func(path string) bool {
			for _, f := range files {
				if f == path {
					return true
				}
			}
			return false
		}
	}
	const musl, glibc = "/lib/ld-musl-x86_64.so.1", "/lib64/ld-linux-x86-64.so.2"
	for _, c := range []struct {
		loader string
		have   func(string) bool
		want   string
	}{
		{glibc, has(musl), "build with -tags musl"},
		{musl, has(glibc), "build without -tags musl"},
		{glibc, has(glibc), ""},
		{"/lib/other.so", has(), "this host has no /lib/other.so"},
	} {
		if got := loaderCause(c.loader, c.have); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.loader, got, c.want)
		}
	}
}

func TestLikelyCause(t *testing.T) {
	for stderr, want := range map[string]string{
		"python3: version `GLIBC_2.38' not found":                                                           "GLIBC_2.38",
		"Error relocating bin/python3: __fprintf_chk: symbol not found":                                     "-tags musl",
		"error while loading shared libraries: libcrypt.so.1: cannot open shared object file: No such file": "libcrypt.so.1 is missing",
		"error while loading shared libraries: /x/libpython3.11.so.1.0: file too short":                     "remove its folder from LD_LIBRARY_PATH",
		"bin/python3: symbol lookup error: bin/python3: undefined symbol: Py_X":                             "unset LD_LIBRARY_PATH",
		"dyld: Library not loaded: @rpath/x.dylib":                                                          "@rpath/x.dylib is missing",
		"ModuleNotFoundError: No module named 'encodings'":                                                  "standard library",
		"Fatal glibc error: CPU does not support x86-64-v3":                                                 "GOAMD64",
		"sh: python3: Permission denied":                                                                    "NewEmbeddedPythonInCacheDir",
		"hello":                                                                                             "",
	} {
		if got := likelyCause("/nonexistent", stderr, errors.New("exit status 1")); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q", stderr, got)
		}
	}
	if got := likelyCause("/nonexistent", "", fs.ErrPermission); !strings.Contains(got, "noexec") {
		t.Errorf("no permission: %q", got)
	}
}

func TestPathTooLongForWindows(t *testing.T) {
	dir := strings.Repeat("d", maxWindowsPath-len("/Lib/encodings/__init__.py"))
	if got := pathCause("windows", filepath.Join(dir, "python.exe")); got != "" {
		t.Errorf("%d characters: %q", maxWindowsPath, got)
	}
	for _, longer := range []string{dir + "d", dir[1:] + "\U0001F40D"} {
		if got := pathCause("windows", filepath.Join(longer, "python.exe")); !strings.Contains(got, "has 260 characters") {
			t.Errorf("%d characters: %q", maxWindowsPath+1, got)
		}
	}
	if got := pathCause("linux", filepath.Join(dir+"d", "bin", "python3")); got != "" {
		t.Errorf("on Linux: %q", got)
	}
}

func TestConstructorContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newFake(t, fakeInterpreter, WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
}
