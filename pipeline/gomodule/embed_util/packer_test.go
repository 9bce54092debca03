package embed_util

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestSameInputSameBytes(t *testing.T) { eachLayout(t, testSameInputSameBytes) }

func testSameInputSameBytes(t *testing.T, opts ...PackOption) {
	a, b := pack(t, sample(), opts...), pack(t, sample(), opts...)
	if got, want := dump(t, a), dump(t, b); got != want {
		t.Errorf("packed:\n%s\nand:\n%s", got, want)
	}
}

// The exact text is part of the format: other packers write the same.
func TestManifestText(t *testing.T) {
	sum := strings.Repeat("b9ca7e37", 8)
	m := &manifest{entries: []entry{
		{name: "bin", mode: fs.ModeDir | 0o755},
		{name: "bin/python3", mode: fs.ModeSymlink | 0o777, symlink: "python3.14"},
		{name: "bin/python3.14", mode: 0o755, size: 100, sum: sum, codec: codecZstd},
		{name: "empty", mode: 0o644, sum: emptySum},
		{name: `quo"te ß`, mode: 0o644, size: 1, sum: sum},
	}}
	want := `{
"format": 1,
"contentHash": "` + contentHash(m.entries) + `",
"files": [
{"name":"bin","perm":2147484141},
{"name":"bin/python3","perm":134218239,"symlink":"python3.14"},
{"name":"bin/python3.14","perm":493,"size":100,"sha256":"` + sum + `","codec":"zstd"},
{"name":"empty","perm":420,"size":0,"sha256":"` + emptySum + `"},
{"name":"quo\"te ß","perm":420,"size":1,"sha256":"` + sum + `"}
]
}
`
	if got := string(encodeManifest(m)); got != want {
		t.Errorf("manifest is:\n%s\nwant:\n%s", got, want)
	}
}

func TestPackedEntries(t *testing.T) {
	dir := pack(t, []node{
		{name: "bin/"},
		{name: "bin/link", target: "program"},
		{name: "bin/program", content: strings.Repeat("x", 100), perm: 0o700},
		{name: "empty", content: ""},
		{name: "private ß", content: "q", perm: 0o600},
	})
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	mustDo(t, err)
	m, err := parseManifest(text)
	mustDo(t, err)
	var got []string
	for _, e := range m.entries {
		if runtime.GOOS == "windows" && e.name == "bin/program" {
			e.mode |= 0o111 // files have no permission bits there
		}
		got = append(got, fmt.Sprintf("%v %s", e.mode, e.name))
		if e.isRegular() {
			if _, err := os.Stat(filepath.Join(dir, blobName(e.sum, e.codec))); err != nil {
				t.Error(err)
			}
		}
	}
	want := []string{"drwxr-xr-x bin", "Lrwxrwxrwx bin/link", "-rwxr-xr-x bin/program", "-rw-r--r-- empty", "-rw-r--r-- private ß"}
	if !slices.Equal(got, want) {
		t.Errorf("packed %q, want %q", got, want)
	}
	if m.entries[2].codec != codecZstd || m.entries[4].codec != codecRaw {
		t.Errorf("codecs are %q and %q", m.entries[2].codec, m.entries[4].codec)
	}
}

// The digest is that of a text that anyone can compute.
func TestContentHash(t *testing.T) {
	entries := []entry{
		{name: "d", mode: fs.ModeDir | 0o755},
		{name: "d/f", mode: 0o644, size: 1, sum: emptySum, codec: codecZstd},
		{name: "l", mode: fs.ModeSymlink | 0o777, symlink: "d/f"},
	}
	const want = "53e46b63a61a865034fc5b59ed76735fcac644133d1427d103fa53b5e4cbf55c"
	a := contentHash(entries)
	if a != want {
		t.Errorf("it is %s", a)
	}
	entries[1].codec = codecRaw
	if contentHash(entries) != a {
		t.Error("the codec counts")
	}
	entries[1].size = 2
	if contentHash(entries) == a {
		t.Error("the size does not count")
	}
}

func TestPackAgainRemovesOldBlobs(t *testing.T) {
	src, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	makeTree(t, src, sample())
	mustDo(t, CopyForEmbed(out, src))
	mustDo(t, os.WriteFile(filepath.Join(out, "embed.go"), []byte("package data\n"), 0o644))
	mustDo(t, os.Remove(filepath.Join(src, "lib", "pkg", "mod.py")))
	mustDo(t, os.WriteFile(filepath.Join(src, "lib", "pkg", "new.py"), []byte("new"), 0o644))
	mustDo(t, CopyForEmbed(out, src))
	want := filepath.Join(t.TempDir(), "out")
	mustDo(t, CopyForEmbed(want, src))
	mustDo(t, os.Remove(filepath.Join(out, "embed.go")))
	if got, want := dump(t, out), dump(t, want); got != want {
		t.Errorf("packed again:\n%s\npacked once:\n%s", got, want)
	}
}

func TestPackFaults(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs names and files that Windows has not")
	}
	src := t.TempDir()
	makeTree(t, src, []node{{name: `back\slash`, content: "x"}, {name: "out", target: "../x"}, {name: "abs", target: "/etc/passwd"}, {name: "new\nline", content: "x"}})
	mustDo(t, mkfifo(filepath.Join(src, "pipe")))
	out := filepath.Join(t.TempDir(), "out")
	err := CopyForEmbed(out, src)
	for _, want := range []string{`"back\\slash" has a backslash`, `"../x" leaves the tree`, `"/etc/passwd" is absolute`, `"pipe" is neither`, "control character"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("something was written")
	}
	if err := CopyForEmbed(filepath.Join(src, "sub"), src); err == nil || !strings.Contains(err.Error(), "is inside") {
		t.Errorf("into itself: %v", err)
	}
	if err := CopyForEmbed(out, filepath.Join(src, "missing")); err == nil {
		t.Error("a missing folder is packed")
	}
}

func TestWriteEmbedGoFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for name, platform := range map[string][2]string{
		"embed.go":               {"", ""},
		"embed_linux_amd64.go":   {"linux", "amd64"},
		"embed_windows_arm64.go": {"windows", "arm64"},
	} {
		mustDo(t, WriteEmbedGoFile(dir, platform[0], platform[1]))
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.ParseComments)
		if err != nil {
			t.Error(err)
			continue
		}
		if f.Name.Name != "data" || f.Scope.Lookup("Data") == nil {
			t.Errorf("%s has no data.Data", name)
		}
	}
}
