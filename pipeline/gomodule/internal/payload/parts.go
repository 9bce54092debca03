package payload

import (
	"bytes"
	"io"
)

// partBytes is the most that a frame may hold that is decoded ahead, in memory. The pipeline
// makes frames of at most that size.
const partBytes = 16 << 20

// parallelParts is how many workers there are at least when the frames of one blob are
// decoded by two of them: it doubles the memory that a large content takes. The largest
// keeps one core busy for half of an extraction by eight.
const parallelParts = 4

// oneDecoder says how many of files, the largest first, are decoded one after the other in
// the window of the first: a second decoder takes a twentieth of all memory. Those after the first
// are together much smaller, so that no core waits long for the one that decodes them.
func oneDecoder(files []*Entry, workers int) int {
	if workers >= parallelParts || len(files) == 0 {
		return min(1, len(files))
	}
	n := 1
	for left := files[0].Size / 8; n < len(files); n++ {
		size := files[n].Size
		if left -= size; left < 0 || size <= smallBytes {
			break
		}
	}
	return n
}

// partsOf returns the frames of a large blob, nil if it has only one or they cannot be
// decoded apart.
func partsOf(stored io.Reader, size int64) (io.ReaderAt, []frame) {
	f, ok := stored.(fileInParts)
	if !ok || workers() < parallelParts {
		return nil, nil
	}
	st, err := f.Stat()
	if err != nil {
		return nil, nil
	}
	frames := findFrames(f, st.Size(), partBytes)
	for _, part := range frames {
		size -= part.size
	}
	if len(frames) < 2 || size != 0 {
		return nil, nil
	}
	return f, frames
}

// decodeParts decodes frames one after the other, and always the next one at the same time.
func (d *decoders) decodeParts(w io.Writer, r io.ReaderAt, parts []frame) error {
	next := d.decodeAhead(r, parts[1])
	err := d.decodeStream(w, io.NewSectionReader(r, parts[0].at, parts[0].stored), parts[0].size)
	for i := range parts[1:] {
		part := <-next // also after an error: it reads from a file that is closed then
		if err == nil {
			err = part.err
		}
		if err != nil {
			return err
		}
		if i+2 < len(parts) {
			next = d.decodeAhead(r, parts[i+2])
		}
		_, err = w.Write(part.data)
	}
	return err
}

// decodedPart is a frame's content.
type decodedPart struct {
	data []byte
	err  error
}

func (d *decoders) decodeAhead(r io.ReaderAt, part frame) <-chan decodedPart {
	done := make(chan decodedPart, 1)
	go func() {
		s := new(scratch)
		s.stored.Grow(int(part.stored) + bytes.MinRead) // at once: growing takes twice as much
		data, err := d.read(s, io.NewSectionReader(r, part.at, part.stored), CodecZstd, part.size)
		done <- decodedPart{data, err}
	}()
	return done
}
