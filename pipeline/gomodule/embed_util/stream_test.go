package embed_util

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"
)

// noise is content that does not get smaller.
func noise(seed uint64, size int) string {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	return string(b)
}

// streamSample has a content that is too large for memory three times, one of
// a small file twice, and names whose order is not that of their folders.
func streamSample() []node {
	large := strings.Repeat(noise(1, 1000), 1200)
	return []node{
		{name: "a/"},
		{name: "a/b", content: "in a folder"},
		{name: "a-b", content: "before the folder's files"},
		{name: "a.c/"},
		{name: "a.c/large", content: large},
		{name: "empty", content: ""},
		{name: "large", content: large, perm: 0o755},
		{name: "last", content: strings.Repeat("end", 100)},
		{name: "same", content: "in a folder"},
		{name: "tail/"},
		{name: "tail/empty", content: ""},
		{name: "tail/large", content: large},
		{name: "ünïcode ß 文", content: "text"},
	}
}

// streamOrder is the contents of streamSample as they stand in a stream.
var streamOrder = []string{"a", "a-b", "a.c", "a.c/large", "a/b", "empty", "large", "last", "same", "tail", "tail/empty", "tail/large", "ünïcode ß 文"}

func unzstd(t testing.TB, data []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(nil)
	mustDo(t, err)
	defer d.Close()
	out, err := d.DecodeAll(data, nil)
	mustDo(t, err)
	return out
}

func inZstd(t testing.TB, data []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil, append(opts, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(streamWindow))...)
	mustDo(t, err)
	defer e.Close()
	return e.EncodeAll(data, nil)
}

// streamFile returns the path of a payload's only other file.
func streamFile(t testing.TB, payload string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(payload, manifestName))
	mustDo(t, err)
	m, err := parseManifest(data)
	mustDo(t, err)
	files, err := os.ReadDir(payload)
	mustDo(t, err)
	if len(files) != 2 || m.stream == "" {
		t.Fatalf("stream %q in %v", m.stream, files)
	}
	return filepath.Join(payload, m.stream)
}

func TestStreamText(t *testing.T) {
	payload := pack(t, streamSample(), WithStream())
	path := streamFile(t, payload)
	stored, err := os.ReadFile(path)
	mustDo(t, err)
	byName := make(map[string]string)
	for _, n := range streamSample() {
		byName[strings.TrimSuffix(n.name, "/")] = n.content
	}
	var want bytes.Buffer
	seen := make(map[string]bool)
	for _, name := range streamOrder {
		if c := byName[name]; !seen[c] {
			seen[c] = true
			want.WriteString(c)
		}
	}
	if !bytes.Equal(unzstd(t, stored), want.Bytes()) {
		t.Error("the stream is not its contents in their order")
	}
	sum := sha256.Sum256(want.Bytes())
	if name := hex.EncodeToString(sum[:16]) + ".zst"; filepath.Base(path) != name {
		t.Errorf("it is named %s, not %s", filepath.Base(path), name)
	}
	var h zstd.Header
	mustDo(t, h.Decode(stored))
	if h.WindowSize > streamWindow || h.FrameContentSize != uint64(want.Len()) || h.Skippable {
		t.Errorf("its frame begins with %+v", h)
	}
	text, err := os.ReadFile(filepath.Join(payload, manifestName))
	mustDo(t, err)
	if !strings.Contains(string(text), "\",\n\"stream\": \""+filepath.Base(path)+"\",\n\"files\": [\n") || strings.Contains(string(text), "codec") {
		t.Errorf("manifest is:\n%s", text)
	}
	blobs, err := openPayload(os.DirFS(pack(t, streamSample())))
	mustDo(t, err)
	if pl, err := openPayload(os.DirFS(payload)); err != nil || pl.key != blobs.key {
		t.Errorf("contentHash depends on the layout: %v", err)
	}
}

func TestStreamsOfOddTrees(t *testing.T) {
	for name, c := range map[string]struct {
		nodes  []node
		suffix string
	}{
		"sample":       {streamSample(), ".zst"},
		"not smaller":  {[]node{{name: "a", content: noise(1, 100)}, {name: "b", content: noise(2, 50)}, {name: "c", content: noise(1, 100)}}, ""},
		"large noise":  {[]node{{name: "a", content: noise(3, 2<<20)}, {name: "b", content: noise(3, 2<<20)}}, ""},
		"empty files":  {[]node{{name: "a", content: ""}, {name: "b", content: ""}}, ""},
		"folders only": {[]node{{name: "a/"}, {name: "a/b/"}, {name: "l", target: "a"}}, ""},
		"many":         {manyFiles(100), ".zst"},
	} {
		t.Run(name, func(t *testing.T) {
			ownPlaces(t)
			payload := pack(t, c.nodes, WithStream())
			if path := streamFile(t, payload); filepath.Ext(path) != c.suffix {
				t.Errorf("stream is %s", path)
			}
			e := start(t, payload)
			if got, want := dump(t, e.GetExtractedPath()), treeOf(t, c.nodes); got != want {
				t.Errorf("extracted:\n%s\npacked:\n%s", got, want)
			}
			mustDo(t, e.Verify())
			if again := start(t, payload); again.at.fresh {
				t.Error("extracted again")
			}
		})
	}
}

func TestPackAgainInAnotherLayout(t *testing.T) {
	src, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	makeTree(t, src, streamSample())
	for _, opts := range [][]PackOption{{WithStream()}, nil, {WithStream()}} {
		mustDo(t, CopyForEmbed(out, src, opts...))
		if got, want := dump(t, out), dump(t, pack(t, streamSample(), opts...)); got != want {
			t.Errorf("packed again:\n%s\npacked once:\n%s", got, want)
		}
	}
	streamFile(t, out)
	mustDo(t, os.WriteFile(filepath.Join(src, "a-b"), []byte("changed"), 0o644))
	mustDo(t, CopyForEmbed(out, src, WithStream()))
	streamFile(t, out)
}

// storeRaw makes a payload's stream an uncompressed one, and returns its path.
func storeRaw(t testing.TB, payload string) string {
	t.Helper()
	path := streamFile(t, payload)
	data, err := os.ReadFile(path)
	mustDo(t, err)
	raw := strings.TrimSuffix(path, ".zst")
	mustDo(t, os.Remove(path))
	mustDo(t, os.WriteFile(raw, unzstd(t, data), 0o644))
	manifest := filepath.Join(payload, manifestName)
	text, err := os.ReadFile(manifest)
	mustDo(t, err)
	mustDo(t, os.WriteFile(manifest, bytes.Replace(text, []byte(filepath.Base(path)), []byte(filepath.Base(raw)), 1), 0o644))
	return raw
}

func TestBadStreamLeavesNothing(t *testing.T) {
	payload := pack(t, streamSample(), WithStream())
	compressed := inMemory(t, payload)
	storeRaw(t, payload)
	raw := inMemory(t, payload)
	plain := raw[streamIn(raw)].Data
	stored := compressed[streamIn(compressed)].Data

	// The sizes of streamSample's contents give where each begins.
	const (
		large = 25
		ab    = large + 1200*1000
		last  = ab + 11
		text  = last + 300
		end   = text + 4
	)
	flip := func(at int) func(b []byte) []byte {
		return func(b []byte) []byte { b[at] ^= 1; return b }
	}
	for name, c := range map[string]struct {
		spoil func(b []byte) []byte // the uncompressed stream
		file  string                // the one that is named
		why   string
	}{
		"first":            {flip(3), "a-b", "sha256 is"},
		"large":            {flip(large + 999999), "a.c/large", "sha256 is"},
		"shared":           {flip(ab), "a/b", "sha256 is"},
		"second to last":   {flip(last), "last", "sha256 is"},
		"last":             {flip(end - 1), "ünïcode", "sha256 is"},
		"empty":            {func(b []byte) []byte { return nil }, "a-b", "unexpected EOF"},
		"short by one":     {func(b []byte) []byte { return b[:end-1] }, "ünïcode", "unexpected EOF"},
		"ends with a file": {func(b []byte) []byte { return b[:text] }, "ünïcode", "unexpected EOF"},
		"ends in large":    {func(b []byte) []byte { return b[:large+900000] }, "a.c/large", "unexpected EOF"},
		"one too long":     {func(b []byte) []byte { return append(b, 0) }, "ünïcode", "goes on after"},
		"much too long":    {func(b []byte) []byte { return append(b, make([]byte, 3<<20)...) }, "ünïcode", "goes on after"},
		"a byte too few":   {func(b []byte) []byte { return b[1:] }, "a-b", "sha256 is"},
		"contents swapped": {func(b []byte) []byte { return append(bytes.Clone(b[large:]), b[:large]...) }, "a-b", "sha256 is"},
	} {
		for _, layout := range []string{"raw", "zstd"} {
			t.Run(name+" "+layout, func(t *testing.T) {
				fsys := raw
				if layout == "zstd" {
					fsys = compressed
				}
				fsys = maps.Clone(fsys)
				name := streamIn(fsys)
				data := c.spoil(bytes.Clone(plain))
				if layout == "zstd" {
					data = inZstd(t, data)
				}
				fsys[name] = &fstest.MapFile{Data: data}
				badStream(t, fsys, `"`+c.file, c.why, name)
			})
		}
	}
	// What only the compressed file can have.
	for name, c := range map[string]struct {
		file *fstest.MapFile
		want string
	}{
		"missing":              {nil, `"a-b"`},
		"a folder":             {&fstest.MapFile{Mode: fs.ModeDir | 0o755}, `"a-b"`},
		"no zstd":              {holding(plain), `"a-b"`},
		"cut at quarter":       {holding(stored[:len(stored)/4]), " in stream "},
		"cut at half":          {holding(stored[:len(stored)/2]), " in stream "},
		"no checksum":          {holding(stored[:len(stored)-4]), " in stream "},
		"half checksum":        {holding(stored[:len(stored)-2]), " in stream "},
		"junk behind":          {holding(stored, []byte("junk!")), `"ünïcode`},
		"second frame":         {holding(stored, inZstd(t, []byte("more"))), "goes on after"},
		"wide window":          {holding(wideWindow(t, plain)), `"a-b"`},
		"window of everything": {holding(inZstd(t, append(bytes.Clone(plain), make([]byte, streamWindow)...), zstd.WithSingleSegment(true))), `"a-b"`},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := maps.Clone(compressed)
			name := streamIn(fsys)
			fsys[name] = c.file
			if c.file == nil {
				delete(fsys, name)
			}
			badStream(t, fsys, c.want, name)
		})
	}
}

// inMemory reads a payload.
func inMemory(t testing.TB, payload string) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, path := range regularFiles(t, payload) {
		data, err := os.ReadFile(path)
		mustDo(t, err)
		fsys[filepath.Base(path)] = holding(data)
	}
	return fsys
}

func streamIn(fsys fstest.MapFS) string {
	for name := range fsys {
		if name != manifestName {
			return name
		}
	}
	return ""
}

func holding(data ...[]byte) *fstest.MapFile { return &fstest.MapFile{Data: slices.Concat(data...)} }

// wideWindow compresses for a decoder that holds more than a stream may ask for.
func wideWindow(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	e, err := zstd.NewWriter(&out, zstd.WithWindowSize(2*streamWindow))
	mustDo(t, err)
	_, err = e.Write(data)
	mustDo(t, err)
	mustDo(t, e.Flush()) // or it would ask for the size of data only
	mustDo(t, e.Close())
	return out.Bytes()
}

// One core decodes in another way than several.
func TestStreamOnOneCore(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	t.Run("bad", TestBadStreamLeavesNothing)
	t.Run("repair", TestRepairFromTheHeadOfAStream)
}

// badStream is a start with a bad payload.
func badStream(t *testing.T, payload fs.FS, want ...string) {
	t.Helper()
	dir := ownPlaces(t)
	_, err := NewEmbeddedFiles(payload, "test")
	for _, want := range want {
		if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*", "goempy*", "*", "*"))
	for _, l := range left {
		if b := filepath.Base(l); b != "lock" && b != "use" {
			t.Errorf("left: %s", l)
		}
	}
}

// An end that is missing is seen also where no file has content.
func TestBadStreamOfNothing(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"missing": os.Remove,
		"longer":  func(path string) error { return os.WriteFile(path, []byte("x"), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			payload := pack(t, []node{{name: "a", content: ""}}, WithStream())
			path := streamFile(t, payload)
			mustDo(t, spoil(path))
			badStream(t, os.DirFS(payload), filepath.Base(path))
		})
	}
}

// A repair reads no further than the last content that it needs.
func TestRepairFromTheHeadOfAStream(t *testing.T) {
	ownPlaces(t)
	payload := pack(t, streamSample(), WithStream())
	e := start(t, payload)
	tree := e.GetExtractedPath()
	want := dump(t, tree)
	damage := func(names ...string) {
		for _, name := range names {
			mustDo(t, os.WriteFile(filepath.Join(tree, name), []byte("damaged"), 0o644))
		}
	}
	for _, names := range [][]string{{"a-b"}, {"empty"}, {"a/b", "same"}, {"large", "tail/large"}, {"last", "tail/empty"}, {"a-b", "ünïcode ß 文"}} {
		damage(names...)
		start(t, payload)
		if got := dump(t, tree); got != want {
			t.Fatalf("after a repair of %q:\n%s", names, got)
		}
	}

	raw := storeRaw(t, payload)
	mustDo(t, os.Truncate(raw, 25))
	damage("a-b")
	mustDo(t, start(t, payload).Verify())
	mustDo(t, os.Remove(raw))
	mustDo(t, os.WriteFile(filepath.Join(tree, "empty"), []byte("x"), 0o644))
	mustDo(t, start(t, payload).Verify()) // an empty file needs no stream
	damage("same")
	_, err := NewEmbeddedFiles(os.DirFS(payload), "test")
	if !errors.Is(err, ErrManifest) {
		t.Errorf("without a stream: %v", err)
	}
	if err := e.Verify(); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "same") {
		t.Errorf("Verify: %v", err)
	}
}

func TestStreamManifestFaults(t *testing.T) {
	const good = "0123456789abcdef0123456789abcdef"
	sealedStream := func(stream any, files ...map[string]any) []byte {
		return bytes.Replace(sealed(t, files...), []byte(`{"contentHash"`), []byte(`{"stream":`+quote(stream.(string))+`,"contentHash"`), 1)
	}
	other := func(name string, size int) map[string]any {
		return with(with(file(name), "size", size), "sha256", strings.Repeat("ab", 32))
	}
	for _, name := range []string{good, good + ".zst"} {
		m, err := parseManifest(sealedStream(name, file("e"), other("f", 3), other("g", 3)))
		if err != nil || m.stream != name || len(m.distinct()) != 1 || m.distinct()[0].name != "f" || m.entries[1].blob != name {
			t.Errorf("a good one: %+v, %v", m, err)
		}
	}
	for _, name := range []string{"", ".", "..", "x", manifestName, good[1:], good + "0", good + ".gz", good + ".zst.zst", "../" + good, good[:30] + "/a",
		strings.ToUpper(good), good + ".ZST", good + "/", "./" + good, good + " ", ".zst" + good} {
		m, err := parseManifest(sealedStream(name, file("f")))
		if m != nil || !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), "is not named by 32") {
			t.Errorf("%q: %v", name, err)
		}
	}
	for want, data := range map[string][]byte{
		`"f": has a codec`:                    sealedStream(good, with(file("f"), "codec", "zstd")),
		`"f": size 1 does not fit`:            sealedStream(good, with(file("f"), "size", 1)),
		`"f": size 0 does not fit`:            sealedStream(good, other("f", 0)),
		`"g": has the sha256 of "f" and anot`: sealedStream(good, other("f", 1), other("g", 2)),
		"sha256 is missing":                   sealedStream(good, with(file("f"), "sha256", nil)),
		"cannot unmarshal":                    []byte(`{"format":1,"stream":3,"files":[]}`),
	} {
		m, err := parseManifest(data)
		if m != nil || !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// FuzzStream reads anything in the place of a stream.
func FuzzStream(f *testing.F) {
	nodes := []node{{name: "a", content: strings.Repeat("a", 300)}, {name: "b", content: ""}, {name: "c", content: "cc"}, {name: "d", content: "cc"}}
	payload := pack(f, nodes, WithStream())
	data, err := os.ReadFile(streamFile(f, payload))
	mustDo(f, err)
	text, err := os.ReadFile(filepath.Join(payload, manifestName))
	mustDo(f, err)
	m, err := parseManifest(text)
	mustDo(f, err)
	want := treeOf(f, nodes)
	f.Add(data, true)
	f.Add(unzstd(f, data), false)
	f.Add(data[:len(data)-3], true)
	f.Add(append(slices.Clone(data), data...), true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, data []byte, compressed bool) {
		fsys := fstest.MapFS{}
		one := *m
		one.stream = strings.TrimSuffix(m.stream, ".zst")
		if compressed {
			one.stream = m.stream
		}
		fsys[one.stream] = &fstest.MapFile{Data: data}
		dir := filepath.Join(t.TempDir(), "tree")
		from := contentsOf(fsys, &one)
		defer from.close()
		switch err := fill(t.Context(), dir, one.entries, from); {
		case err != nil && !errors.Is(err, ErrManifest):
			t.Errorf("does not match ErrManifest: %v", err)
		case err == nil && dump(t, dir) != want:
			t.Errorf("extracted:\n%s", dump(t, dir))
		}
		mustDo(t, filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
			if rel, _ := filepath.Rel(filepath.Dir(dir), path); err == nil && rel != "." && !strings.HasPrefix(rel, "tree") {
				t.Errorf("written outside: %s", path)
			}
			return err
		}))
	})
}
