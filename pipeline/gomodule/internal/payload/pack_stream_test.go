package payload_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// streamOrder is the contents of testtree.StreamSample as they are in a stream.
var streamOrder = []string{"a", "a-b", "a.c", "a.c/large", "a/b", "empty", "large", "last", "same", "tail", "tail/empty", "tail/large", "ünïcode ß 文"}

func TestStreamText(t *testing.T) {
	for _, layout := range []payload.Layout{payload.LayoutStream, payload.LayoutFrames} {
		testStreamText(t, layout)
	}
}

func testStreamText(t *testing.T, layout payload.Layout) {
	packed := testpayload.Pack(t, testtree.StreamSample(), payload.PackOptions{Layout: layout})
	path := testpayload.StreamFile(t, packed)
	stored, err := os.ReadFile(path)
	testtree.Must(t, err)
	byName := make(map[string]string)
	for _, n := range testtree.StreamSample() {
		byName[strings.TrimSuffix(n.Name, "/")] = n.Content
	}
	var want bytes.Buffer
	seen := make(map[string]bool)
	for _, name := range streamOrder {
		if c := byName[name]; !seen[c] {
			seen[c] = true
			want.WriteString(c)
		}
	}
	if !bytes.Equal(testpayload.Unzstd(t, stored), want.Bytes()) {
		t.Error("the stream is not its contents in their order")
	}
	sum := sha256.Sum256(want.Bytes())
	if name := hex.EncodeToString(sum[:16]) + ".zst"; filepath.Base(path) != name {
		t.Errorf("it is named %s, not %s", filepath.Base(path), name)
	}
	var h zstd.Header
	testtree.Must(t, h.Decode(stored))
	if h.WindowSize > 8<<20 || h.Skippable || (h.FrameContentSize == uint64(want.Len())) != (layout == payload.LayoutStream) {
		t.Errorf("its frame begins with %+v", h)
	}
	text, err := os.ReadFile(filepath.Join(packed, payload.ManifestName))
	testtree.Must(t, err)
	if !strings.Contains(string(text), "\",\n\"stream\": \""+filepath.Base(path)+"\",\n\"files\": [\n") || strings.Contains(string(text), "codec") {
		t.Errorf("manifest is:\n%s", text)
	}
	blobs, err := payload.Open(os.DirFS(testpayload.Pack(t, testtree.StreamSample())))
	testtree.Must(t, err)
	if pl, err := payload.Open(os.DirFS(packed)); err != nil || pl.Key != blobs.Key {
		t.Errorf("contentHash depends on the layout: %v", err)
	}
}

func TestPackAgainInAnotherLayout(t *testing.T) {
	src, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	testtree.Make(t, src, testtree.StreamSample())
	for _, opts := range []payload.PackOptions{{Layout: payload.LayoutStream}, {Layout: payload.LayoutBlobs}, {}, {Layout: payload.LayoutStream}} {
		testtree.Must(t, payload.Pack(out, src, opts))
		if got, want := testtree.Dump(t, out), testtree.Dump(t, testpayload.Pack(t, testtree.StreamSample(), opts)); got != want {
			t.Errorf("packed again:\n%s\npacked once:\n%s", got, want)
		}
	}
	testpayload.StreamFile(t, out)
	testtree.Must(t, os.WriteFile(filepath.Join(src, "a-b"), []byte("changed"), 0o644))
	testtree.Must(t, payload.Pack(out, src, payload.PackOptions{Layout: payload.LayoutStream}))
	testpayload.StreamFile(t, out)
}
