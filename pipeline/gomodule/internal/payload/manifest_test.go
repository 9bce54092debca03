package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/testtree"
)

const (
	dirPerm  = uint64(fs.ModeDir | 0o755)
	linkPerm = uint64(fs.ModeSymlink | 0o777)
)

// sealed makes a manifest of format 1 out of entries, with the ContentHash
// that fits them whether they are good or not.
func sealed(t testing.TB, files ...map[string]any) []byte {
	t.Helper()
	if files == nil {
		files = []map[string]any{}
	}
	data, err := json.Marshal(map[string]any{"format": 1, "contentHash": "", "files": files})
	testtree.Must(t, err)
	var jm jsonManifest
	if json.Unmarshal(data, &jm) != nil {
		return data // of another type altogether; the test wants it so
	}
	var errs ErrorList
	var entries []Entry
	for i := range jm.Files {
		entries = append(entries, entryFormat1(&jm.Files[i], &errs))
	}
	data, err = json.Marshal(map[string]any{"format": 1, "contentHash": ContentHash(entries), "files": files})
	testtree.Must(t, err)
	return data
}

func file(name string) map[string]any {
	return map[string]any{"name": name, "perm": 0o644, "size": 0, "sha256": EmptySum}
}

func folder(name string) map[string]any { return map[string]any{"name": name, "perm": dirPerm} }

func link(name, target string) map[string]any {
	return map[string]any{"name": name, "perm": linkPerm, "symlink": target}
}

func with(m map[string]any, key string, value any) map[string]any {
	m[key] = value
	if value == nil {
		delete(m, key)
	}
	return m
}

func TestManifestFaults(t *testing.T) {
	if _, err := Parse(sealed(t, folder("d"), file("d/f"), link("l", "d/f"))); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	if _, err := Parse(sealed(t)); err != nil {
		t.Fatalf("an empty one: %v", err)
	}
	for want, data := range map[string][]byte{
		"unexpected end":              []byte(`{"format": 1, "files": [`),
		"cannot unmarshal":            []byte(`{"format": 1, "files": [{"name": 3}]}`),
		"contentHash is":              bytes.Replace(sealed(t, file("f")), []byte(`"contentHash":"`), []byte(`"contentHash":"0`), 1),
		`path element ".."`:           sealed(t, file("../f")),
		"has a backslash":             sealed(t, file(`a\b`)),
		"control character":           sealed(t, file("a\nb")),
		"is absolute":                 sealed(t, link("l", "/etc/passwd")),
		"leaves the tree":             sealed(t, link("l", "../x")),
		"through other symlinks":      sealed(t, folder("a"), folder("a/b"), link("a/b/up", "../.."), link("a/out", "b/up/../x")),
		"is empty":                    sealed(t, link("l", "")),
		"its folder has no entry":     sealed(t, file("d/f")),
		`"d/f": is below "d"`:         sealed(t, file("d"), file("d/f")),
		`"l/f": is below "l"`:         sealed(t, folder("d"), link("l", "d"), file("l/f")),
		"not sorted, or listed twice": sealed(t, file("b"), file("a")),
		`"a" comes after "a"`:         sealed(t, file("a"), file("a")),
		"not a file, folder":          sealed(t, with(file("f"), "perm", uint64(fs.ModeNamedPipe|0o644))),
		"not a file, folder or sym":   sealed(t, with(file("f"), "perm", dirPerm|linkPerm)),
		"perm 1099511627776":          sealed(t, with(file("f"), "perm", uint64(1)<<40)),
		"size is missing":             sealed(t, with(file("f"), "size", nil)),
		"missing or negative":         sealed(t, with(file("f"), "size", -1)),
		"sha256 is missing":           sealed(t, with(file("f"), "sha256", nil)),
		"64 lower-case hex digits":    sealed(t, with(file("f"), "sha256", strings.ToUpper(EmptySum))),
		`unknown codec "brotli"`:      sealed(t, with(file("f"), "codec", "brotli")),
		`unknown codec ""`:            sealed(t, with(file("f"), "codec", "")),
		"belong to regular files":     sealed(t, with(folder("d"), "size", 0)),
		"has a symlink target and":    sealed(t, with(file("f"), "symlink", "x")),
		`"d": has a symlink target`:   sealed(t, with(folder("d"), "symlink", "x")),
		"and 5 more":                  sealed(t, file("a\\0"), file("a\\1"), file("a\\2"), file("a\\3"), file("a\\4"), file("a\\5"), file("a\\6"), file("a\\7"), file("a\\8"), file("a\\9"), file("b\\0"), file("b\\1"), file("b\\2"), file("b\\3"), file("b\\4")),
		`"a\\b" has a backslash; na`:  sealed(t, file(`a\b`), file("c\x01")),
	} {
		m, err := Parse(data)
		if m != nil || !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestCollision(t *testing.T) {
	m, err := Parse(sealed(t, folder("t"), file("t/N"), file("t/n")))
	testtree.Must(t, err)
	if a, b, found := m.CaseCollision(); !found || a != "t/N" || b != "t/n" {
		t.Errorf("%q, %q, %v", a, b, found)
	}
	m, err = Parse(sealed(t, folder("t"), file("t/N"), file("t/m")))
	testtree.Must(t, err)
	if _, _, found := m.CaseCollision(); found {
		t.Error("found one where none is")
	}
}
