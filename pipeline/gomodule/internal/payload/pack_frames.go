package payload

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/goempy/goempy/internal/osfs"
)

// frameBytes is how much a frame holds at most that has several contents. A text takes a
// sixth less in such a frame than in one of its own and is decoded twice as fast; larger
// frames gain little, and leave less to share among cores.
const frameBytes = 256 << 10

// groupFrames shares contents out to frames. A frame ends when it is full, and often
// before, at a content that only its own hash chooses: so frames are the same again soon
// after a content that was changed, and what git stores of a new version is small.
func groupFrames(order []*Entry) [][]*Entry {
	var groups [][]*Entry
	begin, size := 0, int64(0)
	end := func(at int) {
		if at > begin {
			groups = append(groups, order[begin:at:at])
		}
		begin, size = at, 0
	}
	for i, e := range order {
		if size+e.Size > frameBytes {
			end(i)
		}
		size += e.Size
		if size > frameBytes/2 && e.Sum[0] == '0' {
			end(i + 1)
		}
	}
	end(len(order))
	return groups
}

// packFrames writes all contents into one file of many frames and returns its name.
func packFrames(out, dir string, m *Manifest) (name string, err error) {
	kept := newKeptContents(keptBytes)
	if err := hashAll(dir, m.Entries, kept); err != nil {
		return "", err
	}
	p := framePacker{streamPacker: streamPacker{dir: dir, order: m.distinct()}, kept: kept}
	err = osfs.WriteNamed(out, func(f *os.File) (string, error) {
		name, err = p.pack(f)
		return name, err
	})
	return name, err
}

type framePacker struct {
	streamPacker
	kept *keptContents
	free sync.Pool // of *packedFrame that are written
}

// packedFrame is a frame and its content, nil for a large one.
type packedFrame struct {
	stored, content []byte
	err             error
}

// pack compresses frames on all cores and writes them to f in their order.
func (p *framePacker) pack(f io.Writer) (name string, err error) {
	groups := groupFrames(p.order)
	if len(groups) == 0 {
		return blobName(EmptySum, CodecRaw), nil
	}
	queue, stop := make(chan chan *packedFrame, workers()), make(chan struct{})
	defer close(stop)
	go func() {
		defer close(queue)
		for _, group := range groups {
			done := make(chan *packedFrame, 1)
			select {
			case queue <- done:
				go func() { done <- p.compress(group) }()
			case <-stop:
				return
			}
		}
	}()
	whole := sha256.New()
	for _, group := range groups {
		packed := <-<-queue
		if err := packed.err; err != nil {
			return "", err
		}
		if err := p.hash(whole, group, packed.content); err != nil {
			return "", err
		}
		if _, err := f.Write(packed.stored); err != nil {
			return "", err
		}
		if packed.content != nil {
			p.free.Put(packed)
		}
	}
	return blobName(hex.EncodeToString(whole.Sum(nil)), CodecZstd), nil
}

// hash adds a frame's content to whole. A large one is read once more for that.
func (p *framePacker) hash(whole hash.Hash, group []*Entry, content []byte) error {
	if content == nil {
		return p.copyFile(whole, group[0])
	}
	whole.Write(content)
	return nil
}

// compress makes a frame.
func (p *framePacker) compress(group []*Entry) *packedFrame {
	if group[0].Size > smallBytes {
		return p.compressLarge(group[0])
	}
	packed, _ := p.free.Get().(*packedFrame)
	if packed == nil {
		packed = new(packedFrame)
	}
	content, err := p.read(packed.content[:0], group)
	if err != nil {
		return &packedFrame{err: err}
	}
	enc, err := frameEncoders.get()
	if err != nil {
		return &packedFrame{err: err}
	}
	defer frameEncoders.put(enc)
	packed.content = content
	packed.stored = enc.EncodeAll(content, slices.Grow(packed.stored[:0], len(content)))
	return packed
}

// compressLarge makes the frame of a content that is not held in memory. What is large is
// programs mostly, of which the best level makes a tenth less.
func (p *framePacker) compressLarge(e *Entry) *packedFrame {
	enc, err := streamEncoders.get()
	if err != nil {
		return &packedFrame{err: err}
	}
	defer streamEncoders.put(enc)
	var stored bytes.Buffer
	enc.ResetContentSize(&stored, e.Size)
	err = p.copyFile(enc, e)
	if errClose := enc.Close(); err == nil {
		err = errClose
	}
	return &packedFrame{stored: stored.Bytes(), err: err}
}

// read appends small contents to all.
func (p *framePacker) read(all []byte, group []*Entry) ([]byte, error) {
	size := int64(0)
	for _, e := range group {
		size += e.Size
	}
	all = slices.Grow(all, int(size))
	for _, e := range group {
		data := p.kept.take(e.Sum)
		if data == nil {
			var err error
			if data, err = p.readAgain(e); err != nil {
				return nil, err
			}
		}
		all = append(all, data...)
	}
	return all, nil
}

// readAgain reads a small content, and checks it once more.
func (p *framePacker) readAgain(e *Entry) ([]byte, error) {
	data, err := osfs.ReadFile(filepath.Join(p.dir, filepath.FromSlash(e.Name)))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != e.Sum {
		return nil, changedError(e)
	}
	return data, nil
}

func changedError(e *Entry) error { return fmt.Errorf("%s was changed while it was packed", e.Name) }
