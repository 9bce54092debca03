package pip

import (
	"bytes"
	"io"
	"sync"
)

// keptOutput is how much of a command's output is kept for its error, in
// bytes. The end says why it failed.
const keptOutput = 64 << 10

// console writes whole lines of several commands to one writer.
type console struct {
	mu  sync.Mutex
	out io.Writer
}

// stream is one command's output. Only one goroutine writes to it.
type stream struct {
	console *console
	prefix  string
	line    []byte
	kept    []byte
}

func (c *console) stream(prefix string) *stream {
	return &stream{console: c, prefix: prefix}
}

// Write implements io.Writer. It never fails: pip would die of a terminal
// that was closed.
func (s *stream) Write(p []byte) (int, error) {
	s.kept = append(s.kept, p...)
	if len(s.kept) > 2*keptOutput {
		s.kept = append([]byte(nil), s.kept[len(s.kept)-keptOutput:]...)
	}
	s.line = append(s.line, p...)
	if end := bytes.LastIndexByte(s.line, '\n'); end >= 0 {
		s.print(s.line[:end+1])
		s.line = append([]byte(nil), s.line[end+1:]...)
	}
	return len(p), nil
}

// close writes what is left of a last line.
func (s *stream) close() {
	if len(s.line) > 0 {
		s.print(append(s.line, '\n'))
		s.line = nil
	}
}

func (s *stream) print(lines []byte) {
	if s.prefix != "" {
		var b bytes.Buffer
		for line := range bytes.Lines(lines) {
			if len(bytes.TrimSpace(line)) > 0 {
				b.WriteString(s.prefix)
				b.Write(line)
			}
		}
		lines = b.Bytes()
	}
	s.console.mu.Lock()
	defer s.console.mu.Unlock()
	_, _ = s.console.out.Write(lines)
}

// text is the end of what was written, with \n alone.
func (s *stream) text() string {
	kept := s.kept[max(0, len(s.kept)-keptOutput):]
	return string(bytes.ReplaceAll(kept, []byte("\r\n"), []byte("\n")))
}
