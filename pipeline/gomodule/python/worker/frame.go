package worker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// kind says what the body of a frame is. worker.py has the same letters.
type kind byte

const (
	kindJSON            kind = 'J'
	kindBytes           kind = 'B'
	kindException       kind = 'E' // JSON of a PythonError
	kindUnknownFunction kind = 'U' // the nearest name, or nothing
	kindNotJSON         kind = 'N' // why
	kindTooLarge        kind = 'T' // the length, in decimal digits
	kindLog             kind = 'L' // JSON of a logEntry
)

// A frame is one message, in either direction:
//
//	length of the body    4 bytes, big-endian
//	kind                  1 byte
//	extra                 2 bytes, big-endian
//	name of the function  extra bytes, in calls only
//	body
//
// In answers extra is 1 if the process has outgrown its memory.
type frame struct {
	kind  kind
	extra uint16
	body  []byte
}

const (
	headerLen = 7
	maxName   = 1<<16 - 1
)

// appendCall appends a call of the function name to b.
func appendCall(b []byte, name string, k kind, body []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	b = append(b, byte(k))
	b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
	b = append(b, name...)
	return append(b, body...)
}

// errFrame is matched by an error in what a process sends.
var errFrame = errors.New("the protocol is broken")

// frameReader reads answers and log entries. What comes before mark is what a .pth
// file or sitecustomize prints before worker.py has taken the pipe: it goes to stray.
type frameReader struct {
	r     *bufio.Reader
	mark  []byte // nil after it was read
	stray io.Writer
	limit int
}

func newFrameReader(r io.Reader, mark []byte, stray io.Writer, limit int) *frameReader {
	return &frameReader{bufio.NewReaderSize(r, 64<<10), mark, stray, limit}
}

// next reads one frame.
func (r *frameReader) next() (frame, error) {
	if r.mark != nil {
		if err := r.skipToMark(); err != nil {
			return frame{}, err
		}
		r.mark = nil
	}
	var header [headerLen]byte
	if _, err := io.ReadFull(r.r, header[:]); err != nil {
		return frame{}, err
	}
	n := binary.BigEndian.Uint32(header[:])
	f := frame{kind: kind(header[4]), extra: binary.BigEndian.Uint16(header[5:])}
	if uint64(n) > uint64(r.limit) {
		return frame{}, fmt.Errorf("%w: a frame of %d bytes is above the limit of %d", errFrame, n, r.limit)
	}
	f.body = make([]byte, n)
	_, err := io.ReadFull(r.r, f.body)
	return f, err
}

func (r *frameReader) skipToMark() error {
	var line []byte
	for !bytes.HasSuffix(line, r.mark) {
		part, err := r.r.ReadBytes(r.mark[len(r.mark)-1])
		line = append(line, part...)
		if err != nil {
			_, _ = r.stray.Write(line)
			return err
		}
	}
	_, err := r.stray.Write(line[:len(line)-len(r.mark)])
	return err
}
