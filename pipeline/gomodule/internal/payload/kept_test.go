package payload

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/testtree"
)

// Whatever is held in memory until it is compressed, the frames are the same; what is not is
// read once more, and must be what was hashed.
func TestContentsThatAreKept(t *testing.T) {
	var want []byte
	for _, room := range []int{keptBytes, 100_000, 0} {
		src := t.TempDir()
		testtree.Make(t, src, framesSample())
		entries, err := scanDir(src, "")
		testtree.Must(t, err)
		kept := newKeptContents(room)
		testtree.Must(t, hashAll(src, entries, kept))
		m := &Manifest{Entries: entries}
		p := framePacker{streamPacker: streamPacker{dir: src, order: m.distinct()}, kept: kept}
		var frames bytes.Buffer
		_, err = p.pack(&frames)
		testtree.Must(t, err)
		if want == nil {
			want = frames.Bytes()
		} else if !bytes.Equal(frames.Bytes(), want) {
			t.Errorf("other frames with room for %d bytes", room)
		}
		if len(kept.bySum) > 1 { // the empty content is in no frame
			t.Errorf("%d contents are held after all are packed", len(kept.bySum))
		}
		if room > 0 {
			continue
		}
		testtree.Must(t, os.WriteFile(filepath.Join(src, "small007"), []byte("changed"), 0o644))
		if _, err := p.pack(&frames); err == nil || !strings.Contains(err.Error(), "small007 was changed") {
			t.Errorf("after a change: %v", err)
		}
	}
}
