package payload

import (
	"context"
	"io"
	"io/fs"
	"sort"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// frame is a part of a stream that can be decoded alone.
type frame struct {
	at, stored int64    // where it is in the file, and its length
	size       int64    // of its content
	contents   []*Entry // the first entry of each of its contents, in order
}

// framed are contents in frames of a stream, each of which begins and ends with a content.
// They are decoded by all cores, and only those that are needed.
type framed struct {
	*stream
	file   fileInParts
	frames []frame
}

// openFramed returns nil if the stream has to be decoded from its beginning: it is one
// large frame, its file cannot be read in parts, or something is wrong with it.
func (s *stream) openFramed() *framed {
	if !strings.HasSuffix(s.name, zstdSuffix) {
		return nil
	}
	f, err := s.fsys.Open(s.name)
	if err != nil {
		return nil
	}
	if at, ok := f.(fileInParts); ok {
		if st, err := f.Stat(); err == nil {
			if frames := findFrames(at, st.Size(), streamWindow); share(frames, s.order) {
				return &framed{s, at, frames}
			}
		}
	}
	_ = f.Close()
	return nil
}

// fileInParts is a file that can be read in parts.
type fileInParts interface {
	fs.File
	io.ReaderAt
}

// findFrames returns the frames of a file, nil if not all of them say what they hold, or
// one needs a wider window.
func findFrames(r io.ReaderAt, end int64, window uint64) []frame {
	var frames []frame
	for at := int64(0); at < end; {
		f := frame{at: at}
		if at = f.measure(r, window); at > end || at == 0 {
			return nil
		}
		f.stored = at - f.at
		frames = append(frames, f)
	}
	return frames
}

// measure reads the headers of a frame and of its blocks. It returns where the frame
// ends, 0 for a bad frame or one that does not say how much it holds.
func (f *frame) measure(r io.ReaderAt, window uint64) int64 {
	const (
		blockHeader = 3
		rle         = 1
		checksum    = 4
	)
	var buf [zstd.HeaderMaxSize]byte
	n, _ := r.ReadAt(buf[:], f.at)
	var h zstd.Header
	if h.Decode(buf[:n]) != nil || h.Skippable || !h.HasFCS || h.FrameContentSize > 1<<62 ||
		h.WindowSize > window || h.SingleSegment && h.FrameContentSize > window {
		return 0
	}
	f.size = int64(h.FrameContentSize)
	at := f.at + int64(h.HeaderSize)
	for last := false; !last; {
		if _, err := r.ReadAt(buf[:blockHeader], at); err != nil {
			return 0
		}
		block := int64(buf[0]) | int64(buf[1])<<8 | int64(buf[2])<<16
		last = block&1 != 0
		at += blockHeader
		if block>>1&3 == rle {
			at++
		} else {
			at += block >> 3
		}
	}
	if h.HasCheckSum {
		at += checksum
	}
	return at
}

// share gives every frame its contents. It returns false unless each frame ends with one,
// and is small or holds only one.
func share(frames []frame, order []*Entry) bool {
	for i := range frames {
		f, left := &frames[i], frames[i].size
		n := 0
		for ; n < len(order) && left > 0; n++ {
			left -= order[n].Size
		}
		if left != 0 || n != 1 && f.size > smallBytes {
			return false
		}
		f.contents, order = order[:n], order[n:]
	}
	return len(frames) > 0 && len(order) == 0
}

// writeAll writes the files of the contents that are wanted.
func (s *framed) writeAll(ctx context.Context, wanted map[string][]*Entry, write writeFunc, written openFunc) error {
	defer s.file.Close()
	var needed []*frame
	for i := range s.frames {
		for _, e := range s.frames[i].contents {
			if len(wanted[e.Sum]) > 0 {
				needed = append(needed, &s.frames[i])
				break
			}
		}
	}
	sort.SliceStable(needed, func(i, j int) bool { return needed[i].size > max(needed[j].size, smallBytes) })
	return Parallel(ctx, 1+len(needed), func(i int) error {
		if i == 0 {
			return writeEach(write, wanted[EmptySum], nil)
		}
		f := needed[i-1]
		stored := io.NewSectionReader(s.file, f.at, f.stored)
		if f.size > smallBytes {
			return s.writeLarge(stored, wanted[f.contents[0].Sum], write, written)
		}
		return s.withScratch(func(r *scratch) error { return s.writeSmall(r, stored, f, wanted, write) })
	})
}

// writeSmall checks the contents of a frame before it makes their files.
func (s *framed) writeSmall(r *scratch, stored io.Reader, f *frame, wanted map[string][]*Entry, write writeFunc) error {
	data, err := s.decoders.read(r, stored, CodecZstd, f.size)
	if err != nil {
		return contentErrorf(f.contents[0], "stream", "%w", err)
	}
	if int64(len(data)) != f.size {
		return contentErrorf(f.contents[0], "stream", "its frame does not have %d bytes", f.size)
	}
	for _, first := range f.contents {
		content := data[:first.Size]
		data = data[first.Size:]
		files := wanted[first.Sum]
		if len(files) == 0 {
			continue
		}
		if err := checkedAll(content, files[0], "stream"); err != nil {
			return err
		}
		if err := writeEach(write, files, content); err != nil {
			return err
		}
	}
	return nil
}

// writeLarge writes a content that has a frame of its own.
func (s *framed) writeLarge(stored io.Reader, files []*Entry, write writeFunc, written openFunc) error {
	return writeLarge(written, files, write, func(w io.Writer) error {
		return s.decoders.stream(w, stored, files[0].Size)
	})
}
