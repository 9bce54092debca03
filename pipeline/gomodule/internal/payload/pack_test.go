package payload_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

func TestOtherFormats(t *testing.T) {
	for _, data := range []string{
		`{"format": 2, "contentHash": "x", "files": []}`,
		`{"contentHash": "x", "format": 2, "files": []}`,
		`{"format": 0, "files": []}`,
	} {
		dir := t.TempDir()
		testtree.Must(t, os.WriteFile(filepath.Join(dir, payload.ManifestName), []byte(data), 0o644))
		_, err := payload.Open(os.DirFS(dir))
		if !errors.Is(err, payload.ErrFormat) || !errors.Is(err, payload.ErrManifest) {
			t.Errorf("%s: %v", data, err)
		} else if !strings.Contains(err.Error(), "reads format 1") || strings.Contains(data, "2") && !strings.Contains(err.Error(), "has format 2") {
			t.Errorf("%s: %v", data, err)
		}
	}
}

func TestSameInputSameBytes(t *testing.T) { testpayload.EachLayout(t, testSameInputSameBytes) }

func testSameInputSameBytes(t *testing.T, opts ...payload.PackOptions) {
	a, b := testpayload.Pack(t, testtree.Sample(), opts...), testpayload.Pack(t, testtree.Sample(), opts...)
	if got, want := testtree.Dump(t, a), testtree.Dump(t, b); got != want {
		t.Errorf("packed:\n%s\nand:\n%s", got, want)
	}
}

func TestPackedEntries(t *testing.T) {
	dir := testpayload.Pack(t, []testtree.Node{
		{Name: "bin/"},
		{Name: "bin/link", Target: "program"},
		{Name: "bin/program", Content: strings.Repeat("x", 100), Perm: 0o700},
		{Name: "empty", Content: ""},
		{Name: "private ß", Content: "q", Perm: 0o600},
	})
	text, err := os.ReadFile(filepath.Join(dir, payload.ManifestName))
	testtree.Must(t, err)
	m, err := payload.Parse(text)
	testtree.Must(t, err)
	var got []string
	for _, e := range m.Entries {
		if runtime.GOOS == "windows" && e.Name == "bin/program" {
			e.Mode |= 0o111 // files have no permission bits there
		}
		got = append(got, fmt.Sprintf("%v %s", e.Mode, e.Name))
		if e.IsRegular() {
			if _, err := os.Stat(filepath.Join(dir, e.Blob)); err != nil {
				t.Error(err)
			}
		}
	}
	want := []string{"drwxr-xr-x bin", "Lrwxrwxrwx bin/link", "-rwxr-xr-x bin/program", "-rw-r--r-- empty", "-rw-r--r-- private ß"}
	if !slices.Equal(got, want) {
		t.Errorf("packed %q, want %q", got, want)
	}
	if m.Entries[2].Codec != payload.CodecZstd || m.Entries[4].Codec != payload.CodecRaw {
		t.Errorf("codecs are %q and %q", m.Entries[2].Codec, m.Entries[4].Codec)
	}
}

func TestPackAgainRemovesOldBlobs(t *testing.T) {
	src, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	testtree.Make(t, src, testtree.Sample())
	testtree.Must(t, payload.Pack(out, src, payload.PackOptions{Layout: payload.LayoutBlobs}))
	testtree.Must(t, os.WriteFile(filepath.Join(out, "embed.go"), []byte("package data\n"), 0o644))
	testtree.Must(t, os.Remove(filepath.Join(src, "lib", "pkg", "mod.py")))
	testtree.Must(t, os.WriteFile(filepath.Join(src, "lib", "pkg", "new.py"), []byte("new"), 0o644))
	testtree.Must(t, payload.Pack(out, src, payload.PackOptions{Layout: payload.LayoutBlobs}))
	want := filepath.Join(t.TempDir(), "out")
	testtree.Must(t, payload.Pack(want, src, payload.PackOptions{Layout: payload.LayoutBlobs}))
	testtree.Must(t, os.Remove(filepath.Join(out, "embed.go")))
	if got, want := testtree.Dump(t, out), testtree.Dump(t, want); got != want {
		t.Errorf("packed again:\n%s\npacked once:\n%s", got, want)
	}
}

func TestPackFaults(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs names and files that Windows has not")
	}
	src := t.TempDir()
	testtree.Make(t, src, []testtree.Node{{Name: `back\slash`, Content: "x"}, {Name: "out", Target: "../x"}, {Name: "abs", Target: "/etc/passwd"}, {Name: "new\nline", Content: "x"}})
	testtree.Must(t, testtree.Mkfifo(filepath.Join(src, "pipe")))
	out := filepath.Join(t.TempDir(), "out")
	err := payload.Pack(out, src, payload.PackOptions{Layout: payload.LayoutBlobs})
	for _, want := range []string{`"back\\slash" has a backslash`, `"../x" leaves the tree`, `"/etc/passwd" is absolute`, `"pipe" is neither`, "control character"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("something was written")
	}
	if err := payload.Pack(filepath.Join(src, "sub"), src, payload.PackOptions{Layout: payload.LayoutBlobs}); err == nil || !strings.Contains(err.Error(), "is inside") {
		t.Errorf("into itself: %v", err)
	}
	if err := payload.Pack(out, filepath.Join(src, "missing"), payload.PackOptions{Layout: payload.LayoutBlobs}); err == nil {
		t.Error("a missing folder is packed")
	}
}

// A checkout by Git for Windows keeps the bytes; a caller's own attributes stay.
func TestPackKeepsGitFromChangingBytes(t *testing.T) {
	src, out := t.TempDir(), t.TempDir()
	testtree.Make(t, src, testtree.Sample())
	path := filepath.Join(out, ".gitattributes")
	for _, want := range []string{"* -text\n", "* binary\n"} {
		testtree.Must(t, payload.Pack(out, src, payload.PackOptions{Layout: payload.LayoutBlobs}))
		if text, err := os.ReadFile(path); err != nil || string(text) != want {
			t.Errorf("it is %q, %v", text, err)
		}
		testtree.Must(t, os.WriteFile(path, []byte("* binary\n"), 0o644))
	}
}
