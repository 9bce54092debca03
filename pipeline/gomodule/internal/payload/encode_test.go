package payload

import (
	"io/fs"
	"strings"
	"testing"
)

// The exact text is part of the format: other packers write the same.
func TestManifestText(t *testing.T) {
	sum := strings.Repeat("b9ca7e37", 8)
	m := &Manifest{Entries: []Entry{
		{Name: "bin", Mode: fs.ModeDir | 0o755},
		{Name: "bin/python3", Mode: fs.ModeSymlink | 0o777, Symlink: "python3.14"},
		{Name: "bin/python3.14", Mode: 0o755, Size: 100, Sum: sum, Codec: CodecZstd},
		{Name: "empty", Mode: 0o644, Sum: EmptySum},
		{Name: `quo"te ß`, Mode: 0o644, Size: 1, Sum: sum},
	}}
	want := `{
"format": 1,
"contentHash": "` + ContentHash(m.Entries) + `",
"files": [
{"name":"bin","perm":2147484141},
{"name":"bin/python3","perm":134218239,"symlink":"python3.14"},
{"name":"bin/python3.14","perm":493,"size":100,"sha256":"` + sum + `","codec":"zstd"},
{"name":"empty","perm":420,"size":0,"sha256":"` + EmptySum + `"},
{"name":"quo\"te ß","perm":420,"size":1,"sha256":"` + sum + `"}
]
}
`
	if got := string(Encode(m)); got != want {
		t.Errorf("manifest is:\n%s\nwant:\n%s", got, want)
	}
}

// The digest is that of a text that anyone can compute.
func TestContentHash(t *testing.T) {
	entries := []Entry{
		{Name: "d", Mode: fs.ModeDir | 0o755},
		{Name: "d/f", Mode: 0o644, Size: 1, Sum: EmptySum, Codec: CodecZstd},
		{Name: "l", Mode: fs.ModeSymlink | 0o777, Symlink: "d/f"},
	}
	const want = "53e46b63a61a865034fc5b59ed76735fcac644133d1427d103fa53b5e4cbf55c"
	a := ContentHash(entries)
	if a != want {
		t.Errorf("it is %s", a)
	}
	entries[1].Codec = CodecRaw
	if ContentHash(entries) != a {
		t.Error("the codec counts")
	}
	entries[1].Size = 2
	if ContentHash(entries) == a {
		t.Error("the size does not count")
	}
}
