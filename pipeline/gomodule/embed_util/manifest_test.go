package embed_util

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	dirPerm  = uint64(fs.ModeDir | 0o755)
	linkPerm = uint64(fs.ModeSymlink | 0o777)
)

// sealed makes a manifest of format 1 out of entries, with the contentHash
// that fits them whether they are good or not.
func sealed(t testing.TB, files ...map[string]any) []byte {
	t.Helper()
	if files == nil {
		files = []map[string]any{}
	}
	data, err := json.Marshal(map[string]any{"format": 1, "contentHash": "", "files": files})
	mustDo(t, err)
	var jm jsonManifest
	if json.Unmarshal(data, &jm) != nil {
		return data // of another type altogether; the test wants it so
	}
	var f faults
	var entries []entry
	for i := range jm.Files {
		entries = append(entries, entryFormat1(&jm.Files[i], &f))
	}
	data, err = json.Marshal(map[string]any{"format": 1, "contentHash": contentHash(entries), "files": files})
	mustDo(t, err)
	return data
}

func file(name string) map[string]any {
	return map[string]any{"name": name, "perm": 0o644, "size": 0, "sha256": emptySum}
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
	if _, err := parseManifest(sealed(t, folder("d"), file("d/f"), link("l", "d/f"))); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	if _, err := parseManifest(sealed(t)); err != nil {
		t.Fatalf("an empty one: %v", err)
	}
	for want, data := range map[string][]byte{
		"unexpected end":             []byte(`{"format": 1, "files": [`),
		"cannot unmarshal":           []byte(`{"format": 1, "files": [{"name": 3}]}`),
		"contentHash is":             bytes.Replace(sealed(t, file("f")), []byte(`"contentHash":"`), []byte(`"contentHash":"0`), 1),
		`path element ".."`:          sealed(t, file("../f")),
		"has a backslash":            sealed(t, file(`a\b`)),
		"control character":          sealed(t, file("a\nb")),
		"is absolute":                sealed(t, link("l", "/etc/passwd")),
		"leaves the tree":            sealed(t, link("l", "../x")),
		"through other symlinks":     sealed(t, folder("a"), folder("a/b"), link("a/b/up", "../.."), link("a/out", "b/up/../x")),
		"is empty":                   sealed(t, link("l", "")),
		"its folder has no entry":    sealed(t, file("d/f")),
		`"d/f": stands below "d"`:    sealed(t, file("d"), file("d/f")),
		`"l/f": stands below "l"`:    sealed(t, folder("d"), link("l", "d"), file("l/f")),
		"not sorted, or twice":       sealed(t, file("b"), file("a")),
		`"a" stands after "a"`:       sealed(t, file("a"), file("a")),
		"not a file, folder":         sealed(t, with(file("f"), "perm", uint64(fs.ModeNamedPipe|0o644))),
		"not a file, folder or sym":  sealed(t, with(file("f"), "perm", dirPerm|linkPerm)),
		"perm 1099511627776":         sealed(t, with(file("f"), "perm", uint64(1)<<40)),
		"size is missing":            sealed(t, with(file("f"), "size", nil)),
		"missing or negative":        sealed(t, with(file("f"), "size", -1)),
		"sha256 is missing":          sealed(t, with(file("f"), "sha256", nil)),
		"64 lower-case hex digits":   sealed(t, with(file("f"), "sha256", strings.ToUpper(emptySum))),
		`unknown codec "brotli"`:     sealed(t, with(file("f"), "codec", "brotli")),
		`unknown codec ""`:           sealed(t, with(file("f"), "codec", "")),
		"belong to regular files":    sealed(t, with(folder("d"), "size", 0)),
		"has a symlink target and":   sealed(t, with(file("f"), "symlink", "x")),
		`"d": has a symlink target`:  sealed(t, with(folder("d"), "symlink", "x")),
		"and 5 more":                 sealed(t, file("a\\0"), file("a\\1"), file("a\\2"), file("a\\3"), file("a\\4"), file("a\\5"), file("a\\6"), file("a\\7"), file("a\\8"), file("a\\9"), file("b\\0"), file("b\\1"), file("b\\2"), file("b\\3"), file("b\\4")),
		`"a\\b" has a backslash; na`: sealed(t, file(`a\b`), file("c\x01")),
	} {
		m, err := parseManifest(data)
		if m != nil || !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestOtherFormats(t *testing.T) {
	for _, data := range []string{
		`{"format": 2, "contentHash": "x", "files": []}`,
		`{"contentHash": "x", "format": 2, "files": []}`,
		`{"format": 0, "files": []}`,
	} {
		dir := t.TempDir()
		mustDo(t, os.WriteFile(filepath.Join(dir, manifestName), []byte(data), 0o644))
		_, err := openPayload(os.DirFS(dir))
		if !errors.Is(err, ErrFormat) || !errors.Is(err, ErrManifest) {
			t.Errorf("%s: %v", data, err)
		} else if !strings.Contains(err.Error(), "reads format 1") || strings.Contains(data, "2") && !strings.Contains(err.Error(), "has format 2") {
			t.Errorf("%s: %v", data, err)
		}
	}
}

// The head is read alone at every start, so it has to agree with the whole.
func TestHead(t *testing.T) {
	dir := pack(t, sample())
	data, err := os.ReadFile(filepath.Join(dir, manifestName))
	mustDo(t, err)
	key, ok, err := readHead(bytes.NewReader(data))
	if err != nil || !ok {
		t.Fatalf("%v, %v", ok, err)
	}
	m, err := parseManifest(data)
	mustDo(t, err)
	if key != contentHash(m.entries) {
		t.Errorf("key is %s", key)
	}
	for _, text := range []string{"", "[", "{", `{"files":[]}`, `{"contentHash":"x"}`, `{"format":1}`, `{"format":1,"contentHash":"short"}`, `{"format":"1"}`} {
		if _, ok, err := readHead(strings.NewReader(text)); ok || err != nil {
			t.Errorf("%q: %v, %v", text, ok, err)
		}
	}
}

// The keys may stand in any order, at the price of a slower start.
func TestKeysInAnotherOrder(t *testing.T) {
	ownPlaces(t)
	dir := pack(t, sample())
	path := filepath.Join(dir, manifestName)
	data, err := os.ReadFile(path)
	mustDo(t, err)
	head, files, _ := strings.Cut(string(data), "\"files\"")
	body := strings.TrimSuffix(strings.TrimSpace(files), "}")
	head = strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(head, "{")), ",")
	mustDo(t, os.WriteFile(path, []byte("{\"files\""+body+","+head+"}"), 0o644))
	e := start(t, dir)
	mustDo(t, e.Verify())
	if again := start(t, dir); again.at.fresh {
		t.Error("extracted again")
	}
}

func TestCollision(t *testing.T) {
	m, err := parseManifest(sealed(t, folder("t"), file("t/N"), file("t/n")))
	mustDo(t, err)
	if a, b, found := m.collision(); !found || a != "t/N" || b != "t/n" {
		t.Errorf("%q, %q, %v", a, b, found)
	}
	m, err = parseManifest(sealed(t, folder("t"), file("t/N"), file("t/m")))
	mustDo(t, err)
	if _, _, found := m.collision(); found {
		t.Error("found one where none is")
	}
}

func FuzzManifest(f *testing.F) {
	f.Add(sealed(f, folder("d"), file("d/f"), link("l", "d/f")))
	f.Add(sealed(f, file("../f"), link("l", "/x"), with(file("f"), "size", -1)))
	f.Add([]byte(`{"contentHash":"x","files":[{"name":"a\\b","size":3,"perm":420,"compressed":true},{"name":"l","perm":134217728,"symlink":"a/b"}]}`))
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, _ = readHead(bytes.NewReader(data))
		m, err := parseManifest(data)
		if err != nil {
			if !errors.Is(err, ErrManifest) {
				t.Errorf("does not match ErrManifest: %v", err)
			}
			return
		}
		// What is accepted stays below any folder and survives a round trip.
		for i := range m.entries {
			e := &m.entries[i]
			if !fs.ValidPath(e.name) || !filepath.IsLocal(filepath.FromSlash(e.name)) {
				t.Errorf("accepted the name %q", e.name)
			}
			if e.isSymlink() && filepath.IsAbs(e.symlink) {
				t.Errorf("accepted the target %q", e.symlink)
			}
			if e.isRegular() && e.blob == "" || e.size < 0 {
				t.Errorf("accepted %+v", *e)
			}
		}
		if bytes.Contains(data, []byte(`"format"`)) && sealedEntries(m) {
			again, err := parseManifest(encodeManifest(m))
			if err != nil {
				t.Fatalf("written again: %v", err)
			}
			if contentHash(again.entries) != contentHash(m.entries) {
				t.Error("the tree has changed on the way")
			}
		}
		_, _ = planFor(m, true)
	})
}

// sealedEntries says that all entries are of format 1.
func sealedEntries(m *manifest) bool {
	for i := range m.entries {
		if e := &m.entries[i]; e.isRegular() && e.sum == "" {
			return false
		}
	}
	return true
}

// FuzzExtract writes what manifests ask for, and looks around afterwards.
func FuzzExtract(f *testing.F) {
	f.Add(sealed(f, folder("d"), file("d/f"), link("l", "d/f")))
	f.Add(sealed(f, folder("d"), link("d/l", ".."), file("e")))
	f.Add([]byte(`{"files":[{"name":"d\\f","size":0,"perm":420},{"name":"l","perm":134217728,"symlink":"d"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data)
		if err != nil || len(m.entries) > 50 {
			return
		}
		blobs := fstest.MapFS{emptySum[:32]: &fstest.MapFile{}}
		if m.stream != "" {
			blobs[m.stream] = &fstest.MapFile{}
		}
		for i := range m.entries {
			if e := &m.entries[i]; e.isRegular() && e.sum == "" {
				blobs[e.blob] = &fstest.MapFile{}
			}
		}
		for name, copies := range map[string]bool{"links": false, "copies": true} {
			plan, err := planFor(m, copies)
			if err != nil {
				continue
			}
			base := t.TempDir()
			from := contentsOf(blobs, m)
			_ = fill(t.Context(), filepath.Join(base, name), plan, from)
			from.close()
			if files, err := os.ReadDir(base); err != nil || len(files) != 1 || files[0].Name() != name {
				t.Errorf("written outside: %v, %v", files, err)
			}
			mustDo(t, filepath.WalkDir(filepath.Join(base, name), func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type()&fs.ModeSymlink != 0 {
					if to, err := filepath.EvalSymlinks(path); err == nil && !strings.HasPrefix(to, base) {
						t.Errorf("%s leads to %s", path, to)
					}
				}
				return err
			}))
		}
	})
}

func FuzzPaths(f *testing.F) {
	f.Add("a/b", "../c")
	f.Add("../a", "/etc/passwd")
	f.Add(`a\b`, "..\\..")
	f.Add("a/./b", "x/../../..")
	f.Fuzz(func(t *testing.T, name, target string) {
		_ = checkNameWindows("x" + strings.Trim(name, "/") + "x")
		if checkName(name) != nil {
			return
		}
		if !fs.ValidPath(name) || checkNameOS(name) == nil && !filepath.IsLocal(filepath.FromSlash(name)) {
			t.Errorf("accepted the name %q", name)
		}
		if checkTarget(name, target) != nil {
			return
		}
		joined := path.Join("/tree", path.Dir(name), target)
		if joined != "/tree" && !strings.HasPrefix(joined, "/tree/") {
			t.Errorf("%q -> %q leads to %s", name, target, joined)
		}
		final, escapes, loops := resolve(name, map[string]string{name: target})
		if !escapes && !loops && final != "." && !fs.ValidPath(final) {
			t.Errorf("%q -> %q resolves to %q", name, target, final)
		}
	})
}

func FuzzMarker(f *testing.F) {
	m := marker{key: emptySum, boot: "b", entries: []markerEntry{{name: ".", dir: true}, {name: "a/b", stamp: stamp{1, 2, 3, 4, 5}}}}
	f.Add(m.encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMarker(data)
		if err == nil && !bytes.Equal(m.encode(), data) {
			again, err := decodeMarker(m.encode())
			if err != nil || !again.equal(m) {
				t.Errorf("does not survive a round trip: %v", err)
			}
		}
	})
}
