package extract

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

func inZstd(t testing.TB, data []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil, append(opts, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(8<<20))...)
	testtree.Must(t, err)
	defer e.Close()
	return e.EncodeAll(data, nil)
}

// storeRaw makes a payload's stream an uncompressed one, and returns its path.
func storeRaw(t testing.TB, packed string) string {
	t.Helper()
	path := testpayload.StreamFile(t, packed)
	data, err := os.ReadFile(path)
	testtree.Must(t, err)
	raw := strings.TrimSuffix(path, ".zst")
	testtree.Must(t, os.Remove(path))
	testtree.Must(t, os.WriteFile(raw, testpayload.Unzstd(t, data), 0o644))
	manifest := filepath.Join(packed, payload.ManifestName)
	text, err := os.ReadFile(manifest)
	testtree.Must(t, err)
	testtree.Must(t, os.WriteFile(manifest, bytes.Replace(text, []byte(filepath.Base(path)), []byte(filepath.Base(raw)), 1), 0o644))
	return raw
}

func TestBadStreamLeavesNothing(t *testing.T) {
	packed := testpayload.Pack(t, testtree.StreamSample(), payload.PackOptions{Layout: payload.LayoutStream})
	compressed := inMemory(t, packed)
	storeRaw(t, packed)
	raw := inMemory(t, packed)
	plain := raw[streamIn(raw)].Data
	stored := compressed[streamIn(compressed)].Data

	// The sizes of testtree.StreamSample's contents give where each begins.
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
		"window of everything": {holding(inZstd(t, append(bytes.Clone(plain), make([]byte, 8<<20)...), zstd.WithSingleSegment(true))), `"a-b"`},
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

// wideWindow compresses for a decoder that holds more than a stream may ask for.
func wideWindow(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	e, err := zstd.NewWriter(&out, zstd.WithWindowSize(16<<20))
	testtree.Must(t, err)
	_, err = e.Write(data)
	testtree.Must(t, err)
	testtree.Must(t, e.Flush()) // or it would ask for the size of data only
	testtree.Must(t, e.Close())
	return out.Bytes()
}

// badStream is a start with a bad payload.
func badStream(t *testing.T, packed fs.FS, want ...string) {
	t.Helper()
	dir := testtree.OwnPlaces(t)
	_, err := openNamed(packed, "test")
	for _, want := range want {
		if !errors.Is(err, payload.ErrManifest) || !strings.Contains(err.Error(), want) {
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
			packed := testpayload.Pack(t, []testtree.Node{{Name: "a", Content: ""}}, payload.PackOptions{Layout: payload.LayoutStream})
			path := testpayload.StreamFile(t, packed)
			testtree.Must(t, spoil(path))
			badStream(t, os.DirFS(packed), filepath.Base(path))
		})
	}
}
