package extract

import (
	"io"
	"sync"

	"github.com/goempy/goempy/internal/payload"
)

// progress counts what is written. Nil counts nothing.
type progress struct {
	mu          sync.Mutex
	done, total int64
	report      func(done, total int64)
}

// newProgress returns nil if there is nothing to report to.
func newProgress(plan []payload.Entry, report func(done, total int64)) *progress {
	if report == nil {
		return nil
	}
	p := &progress{report: report}
	for i := range plan {
		p.total += plan[i].Size
	}
	return p
}

// counting is a content that is counted while it is written.
func (p *progress) counting(content payload.Content) payload.Content {
	if p == nil {
		return content
	}
	return func(w io.Writer) error { return content(countingWriter{w, p}) }
}

type countingWriter struct {
	io.Writer
	p *progress
}

func (w countingWriter) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if n == 0 {
		return n, err
	}
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.p.done += int64(n)
	w.p.report(w.p.done, w.p.total)
	return n, err
}
