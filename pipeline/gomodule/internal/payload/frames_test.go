package payload

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/goempy/goempy/internal/testtree"
)

// framesSample has contents of all sizes: with others in a frame, alone in one, and too
// large for memory.
func framesSample() []testtree.Node {
	nodes := []testtree.Node{{Name: "large", Content: strings.Repeat(testtree.Noise(8, 1000), smallBytes/1000+1)},
		{Name: "middle", Content: strings.Repeat(testtree.Noise(9, 1000), frameBytes/1000+1)}, {Name: "copy", Content: "content 7"}, {Name: "empty", Content: ""}}
	for i := range 200 {
		nodes = append(nodes, testtree.Node{Name: fmt.Sprintf("small%03d", i), Content: fmt.Sprintf("content %d", i) + strings.Repeat(fmt.Sprint(i), 3000*(i%2))})
	}
	return nodes
}

// packedFrames packs nodes and returns the payload's folder and manifest.
func packedFrames(t *testing.T, nodes []testtree.Node) (string, *Manifest) {
	t.Helper()
	src, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	testtree.Make(t, src, nodes)
	testtree.Must(t, Pack(out, src, PackOptions{}))
	text, err := os.ReadFile(filepath.Join(out, ManifestName))
	testtree.Must(t, err)
	m, err := Parse(text)
	testtree.Must(t, err)
	return out, m
}

func TestFramesHoldWholeContents(t *testing.T) {
	out, m := packedFrames(t, framesSample())
	f := newStream(os.DirFS(out), m).openFramed()
	if f == nil {
		t.Fatal("it has to be decoded from its beginning")
	}
	defer f.file.Close()
	alone, together := 0, 0
	for _, each := range f.frames {
		switch {
		case len(each.contents) == 1 && each.size > frameBytes:
			alone++
		case each.size <= frameBytes:
			together++
		default:
			t.Errorf("%d contents in a frame of %d bytes", len(each.contents), each.size)
		}
	}
	if alone != 2 || together < 2 {
		t.Errorf("%d large and %d small frames", alone, together)
	}
}

// A change leaves most frames as they are.
func TestFramesAfterAChange(t *testing.T) {
	stored := func(nodes []testtree.Node) map[string]bool {
		out, m := packedFrames(t, nodes)
		f := newStream(os.DirFS(out), m).openFramed()
		defer f.file.Close()
		found := make(map[string]bool)
		for _, each := range f.frames {
			data, err := io.ReadAll(io.NewSectionReader(f.file, each.at, each.stored))
			testtree.Must(t, err)
			found[string(data)] = true
		}
		return found
	}
	var nodes []testtree.Node
	for i := range 600 {
		nodes = append(nodes, testtree.Node{Name: fmt.Sprintf("%03d", i), Content: strings.Repeat(fmt.Sprintln("line", i), 800)})
	}
	before := stored(nodes)
	nodes[0].Content += strings.Repeat("more ", 10000)
	kept := 0
	for data := range stored(nodes) {
		if before[data] {
			kept++
		}
	}
	if kept < len(before)*3/4 {
		t.Errorf("%d of %d frames are the same", kept, len(before))
	}
}

// noParts hides that files can be read in parts.
type noParts struct{ fs.FS }

func (n noParts) Open(name string) (fs.File, error) {
	f, err := n.FS.Open(name)
	return struct{ fs.File }{f}, err
}

// counted counts what is read of files.
type counted struct {
	fs.FS
	bytes atomic.Int64
}

type countedFile struct {
	*os.File
	n *atomic.Int64
}

func (c *counted) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return countedFile{f.(*os.File), &c.bytes}, nil
}

func (f countedFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(p, at)
	f.n.Add(int64(n))
	return n, err
}

func (f countedFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.n.Add(int64(n))
	return n, err
}

func TestFramesAreRead(t *testing.T) { onOneCoreToo(t, testFramesAreRead) }

func testFramesAreRead(t *testing.T) {
	nodes := framesSample()
	out, m := packedFrames(t, nodes)
	byName := make(map[string]string)
	for _, n := range nodes {
		byName[n.Name] = n.Content
	}
	read := func(fsys fs.FS, wanted func(name string) bool) {
		t.Helper()
		var files []*Entry
		for i := range m.Entries {
			if wanted(m.Entries[i].Name) {
				files = append(files, &m.Entries[i])
			}
		}
		from := NewSource(fsys, m)
		defer from.Close()
		var done atomic.Int64
		err := from.WriteAll(t.Context(), files, func(e *Entry, content Content) error {
			var b bytes.Buffer
			if err := content(&b); err != nil || b.String() != byName[e.Name] {
				t.Errorf("%s: %d bytes, %v", e.Name, b.Len(), err)
			}
			done.Add(1)
			return nil
		}, nil)
		if err != nil || int(done.Load()) != len(files) {
			t.Errorf("%d of %d, %v", done.Load(), len(files), err)
		}
	}
	read(os.DirFS(out), func(string) bool { return true })
	read(noParts{os.DirFS(out)}, func(string) bool { return true })
	few := counted{FS: os.DirFS(out)}
	read(&few, func(name string) bool { return name == "small150" || name == "empty" })
	st, err := os.Stat(filepath.Join(out, m.Stream))
	testtree.Must(t, err)
	if n := few.bytes.Load(); n == 0 || n > st.Size()/2 {
		t.Errorf("%d of %d bytes are read for one file", n, st.Size())
	}
}
