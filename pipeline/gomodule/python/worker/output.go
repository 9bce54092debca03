package worker

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

const (
	// tailLen is how much of a process's output an error shows.
	tailLen = 4 << 10

	// lineLen is what an unfinished line grows to before it is written.
	lineLen = 64 << 10
)

// sharedWriter is the writer that all processes of a pool share.
type sharedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *sharedWriter) write(p []byte) {
	if len(p) == 0 || s.w == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// A process must not end because its output cannot be shown.
	_, _ = s.w.Write(p)
}

// lineWriter passes the output of one process on in whole lines, and keeps the last ones.
type lineWriter struct {
	to *sharedWriter

	mu   sync.Mutex
	line []byte // not finished
	tail []byte
}

// Write implements io.Writer. It never fails.
func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = append(l.tail, p[max(0, len(p)-tailLen):]...)
	l.tail = l.tail[max(0, len(l.tail)-tailLen):]
	l.line = append(l.line, p...)
	n := bytes.LastIndexByte(l.line, '\n') + 1
	if len(l.line)-n > lineLen {
		n = len(l.line)
	}
	l.to.write(l.line[:n])
	l.line = append(l.line[:0], l.line[n:]...)
	return len(p), nil
}

// finish writes what is left, and returns the last lines.
func (l *lineWriter) finish() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.line) > 0 {
		l.to.write(append(l.line, '\n'))
		l.line = nil
	}
	tail := l.tail
	if len(tail) == tailLen { // the first of them is not whole
		tail = tail[bytes.IndexByte(tail, '\n')+1:]
	}
	return strings.TrimRight(string(tail), "\r\n")
}
