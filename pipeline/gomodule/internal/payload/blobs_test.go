package payload

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"github.com/goempy/goempy/internal/testtree"
)

// onOneCoreToo runs a test with all cores, and with one.
func onOneCoreToo(t *testing.T, test func(t *testing.T)) {
	t.Run("cores", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
		test(t)
	})
	t.Run("one core", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		test(t)
	})
}

// text is content that zstd makes smaller, and of which no part is like another.
func text(size int) []byte {
	return []byte(hex.EncodeToString([]byte(testtree.Noise(7, size/2+1))))[:size]
}

// frames are what stored has made: tests run twice, with several cores and with one.
var frames = map[string][]byte{}

// stored compresses content with a window, and with its size in the frame or not.
func stored(t testing.TB, content []byte, window int, sized bool) []byte {
	t.Helper()
	key := fmt.Sprintf("%x %d %v", sha256.Sum256(content), window, sized)
	if frame := frames[key]; frame != nil {
		return frame
	}
	var out bytes.Buffer
	e, err := zstd.NewWriter(&out, zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1))
	testtree.Must(t, err)
	if sized {
		e.ResetContentSize(&out, int64(len(content)))
	}
	_, err = e.Write(content)
	testtree.Must(t, err)
	testtree.Must(t, e.Close())
	frames[key] = out.Bytes()
	return out.Bytes()
}

// writeOne writes one file whose blob is data and returns what was written.
func writeOne(t *testing.T, data, content []byte, size int) (string, error) {
	t.Helper()
	sum := sha256.Sum256(content)
	e := Entry{Name: "f", Mode: 0o644, Size: int64(size), Sum: hex.EncodeToString(sum[:]), Codec: CodecZstd, Blob: "b"}
	from := newBlobs(fstest.MapFS{"b": {Data: data}})
	defer from.Close()
	var written bytes.Buffer
	err := from.WriteAll(t.Context(), []*Entry{&e}, func(_ *Entry, content Content) error {
		return content(&written)
	}, nil)
	return written.String(), err
}

// The room behind a content, with which it is decoded faster, takes no content.
func TestBlobOfAnotherSize(t *testing.T) { onOneCoreToo(t, testBlobOfAnotherSize) }

func testBlobOfAnotherSize(t *testing.T) {
	for _, size := range []int{1, 15, 16, 1000, smallBytes, smallBytes + 1, 3 << 20} {
		if testtree.Race && size > smallBytes+1 {
			continue
		}
		content := text(size)
		for _, sized := range []bool{true, false} {
			data := stored(t, content, 1<<20, sized)
			if got, err := writeOne(t, data, content, size); err != nil || got != string(content) {
				t.Errorf("%d bytes, sized %v: %d bytes, %v", size, sized, len(got), err)
			}
			for _, off := range []int{-slack - 1, -slack, -slack + 1, -1, 1, slack - 1, slack, slack + 1} {
				if size+off < 0 || testtree.Race && size > 1000 && off != 1 && off != -1 {
					continue
				}
				got, err := writeOne(t, data, content, size+off)
				if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), `"f" in blob "b"`) {
					t.Errorf("%d bytes for %d, sized %v: %v", size, size+off, sized, err)
				}
				if len(got) > max(size+off, 0) {
					t.Errorf("%d bytes for %d: wrote %d", size, size+off, len(got))
				}
			}
		}
	}
}

// Git for Windows changes line ends of what it takes for text, compressed or not.
func TestBlobWithOtherLineEnds(t *testing.T) {
	lines := bytes.Repeat([]byte("line\n"), 10)
	var zipped []byte // small enough to have no NUL byte, and with a line feed
	for i := 0; zipped == nil; i++ {
		content := fmt.Append(nil, i, "\n")
		if data := stored(t, content, 1<<10, true); bytes.Contains(data, []byte("\n")) && !bytes.Contains(data, []byte("\r\n")) {
			zipped, lines = data, content
		}
	}
	for _, c := range []struct {
		codec         codec
		data, content []byte
	}{
		{CodecRaw, lines, lines},
		{CodecRaw, bytes.Repeat(text(1000), smallBytes/500), nil},
		{CodecZstd, zipped, lines},
	} {
		if c.content == nil {
			c.data = bytes.ReplaceAll(c.data, []byte("0"), []byte("\n"))
			c.content = c.data
		}
		for _, spoiled := range []bool{false, true} {
			data := bytes.ReplaceAll(c.data, []byte("\n"), []byte("\r\n"))
			if spoiled {
				data = append([]byte("x"), data...)
			}
			sum := sha256.Sum256(c.content)
			e := Entry{Name: "f", Mode: 0o644, Size: int64(len(c.content)), Sum: hex.EncodeToString(sum[:]), Codec: c.codec, Blob: "b"}
			from := newBlobs(fstest.MapFS{"b": {Data: data}})
			err := from.WriteAll(t.Context(), []*Entry{&e}, func(_ *Entry, content Content) error { return content(io.Discard) }, nil)
			from.Close()
			if !errors.Is(err, ErrManifest) || strings.Contains(err.Error(), ".gitattributes") == spoiled {
				t.Errorf("codec %q, %d bytes, spoiled %v: %v", c.codec, len(c.content), spoiled, err)
			}
		}
	}
}

// A content larger than its window is decoded with the window moved.
func TestLargeBlob(t *testing.T) { onOneCoreToo(t, testLargeBlob) }

func testLargeBlob(t *testing.T) {
	size := 5<<20 + 12345
	if testtree.Race {
		size = 1<<20 + 12345
	}
	half := text(size)
	content := append(bytes.Clone(half), half...) // matches that far back
	for _, window := range []int{1 << 20, 2 << 20, 8 << 20} {
		if testtree.Race && window > 1<<20 {
			continue
		}
		data := stored(t, content, window, true)
		if got, err := writeOne(t, data, content, len(content)); err != nil || got != string(content) {
			t.Errorf("window %d: %d bytes, %v", window, len(got), err)
		}
		for name, spoiled := range map[string][]byte{
			"flipped":   append(append(bytes.Clone(data[:len(data)/2]), data[len(data)/2]^1), data[len(data)/2+1:]...),
			"cut":       data[:len(data)-100],
			"cut early": data[:20],
			"no frame":  content,
			"empty":     nil,
		} {
			if _, err := writeOne(t, spoiled, content, len(content)); !errors.Is(err, ErrManifest) {
				t.Errorf("window %d, %s: %v", window, name, err)
			}
		}
	}
	zeros := make([]byte, 10<<20)
	if _, err := writeOne(t, stored(t, zeros, 16<<20, true), zeros[:2<<20], 2<<20); err == nil || !strings.Contains(err.Error(), "window") {
		t.Errorf("a window for more than the content: %v", err)
	}
}

// A large blob may be several frames, of which some are decoded ahead.
func TestBlobOfParts(t *testing.T) { onOneCoreToo(t, testBlobOfParts) }

func testBlobOfParts(t *testing.T) {
	content := text(2*smallBytes + 2000)
	var parts [][]byte
	for _, part := range [][]byte{content[:smallBytes], content[smallBytes : smallBytes+1000], content[smallBytes+1000:]} {
		parts = append(parts, stored(t, part, 1<<20, true))
	}
	whole := bytes.Join(parts, nil)
	if got, err := writeOne(t, whole, content, len(content)); err != nil || got != string(content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	flipped := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 1
		return b
	}
	for name, spoiled := range map[string][]byte{
		"first":       flipped(len(parts[0]) / 2),
		"second":      flipped(len(parts[0]) + len(parts[1])/2),
		"last":        flipped(len(whole) - len(parts[2])/2),
		"one less":    bytes.Join(parts[:2], nil),
		"one more":    bytes.Join([][]byte{whole, parts[1]}, nil),
		"other order": bytes.Join([][]byte{parts[1], parts[0], parts[2]}, nil),
		"cut":         whole[:len(whole)-100],
		"junk":        append(bytes.Clone(whole), "junk"...),
	} {
		if got, err := writeOne(t, spoiled, content, len(content)); !errors.Is(err, ErrManifest) || len(got) > len(content) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

func TestWindowThatIsTooWide(t *testing.T) {
	for _, size := range []int{1000, 3 << 20} {
		content := text(size)
		var data bytes.Buffer
		e, err := zstd.NewWriter(&data, zstd.WithWindowSize(2*maxWindow), zstd.WithEncoderConcurrency(1))
		testtree.Must(t, err)
		for _, part := range [][]byte{content[:size/2], content[size/2:]} {
			_, err = e.Write(part)
			testtree.Must(t, err)
			testtree.Must(t, e.Flush()) // or it asks for no more than the content needs
		}
		testtree.Must(t, e.Close())
		if _, err := writeOne(t, data.Bytes(), content, size); !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), "asks for a window of") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestWiderFrame(t *testing.T) {
	d, err := zstd.NewReader(nil)
	testtree.Must(t, err)
	defer d.Close()
	for log := 10; log <= 27; log++ {
		for eighths := range uint64(8) {
			window := uint64(1)<<log + eighths<<(log-3)
			for _, size := range []uint64{window - 1, window, window + 1, window + window/8, 2 * window, 100 * window} {
				frame := widerFrame(window, int64(size))
				if size <= window || window > maxWindow*3/4 {
					if len(frame) > 0 && size <= window {
						t.Errorf("window %d, size %d: a frame for nothing", window, size)
					}
					continue
				}
				var h zstd.Header
				if err := h.Decode(frame); err != nil || h.WindowSize < min(window+window/4, size) || h.WindowSize > window*3/2 {
					t.Errorf("window %d, size %d: %d, %v", window, size, h.WindowSize, err)
				}
				if out, err := d.DecodeAll(frame, nil); err != nil || len(out) > 0 {
					t.Errorf("window %d, size %d: %d bytes, %v", window, size, len(out), err)
				}
			}
		}
	}
	if frame := widerFrame(maxWindow, 100*maxWindow); frame != nil {
		t.Error("asks for more than a decoder may hold")
	}
}

func TestAsyncWriter(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	content := text(3*asyncBytes + 17)
	for _, part := range []int{1 << 10, asyncBytes / asyncBuffers, asyncBytes + 1, len(content)} {
		var out bytes.Buffer
		err := writeAsync(&out, func(w io.Writer) error {
			for p := content; len(p) > 0; p = p[min(part, len(p)):] {
				if n, err := w.Write(p[:min(part, len(p))]); err != nil || n != min(part, len(p)) {
					return err
				}
			}
			return nil
		})
		if err != nil || !bytes.Equal(out.Bytes(), content) {
			t.Errorf("in parts of %d: %d bytes, %v", part, out.Len(), err)
		}
	}

	full := errors.New("no space left")
	calls := 0
	err := writeAsync(writerFunc(func([]byte) (int, error) { calls++; return 0, full }), func(w io.Writer) error {
		for range 100 {
			if _, err := w.Write(content); err != nil {
				return err
			}
		}
		return errors.New("the failure of a write is not reported")
	})
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("written %d times: %v", calls, err)
	}
	bad := errors.New("bad frame")
	if err := writeAsync(io.Discard, func(io.Writer) error { return bad }); !errors.Is(err, bad) {
		t.Errorf("error: %v", err)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
