package pip

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
)

func TestStreamsKeepLinesWhole(t *testing.T) {
	var out bytes.Buffer
	c := &console{out: &out}
	var wg sync.WaitGroup
	for _, prefix := range []string{"[a] ", "[b] "} {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s := c.stream(prefix)
			for range 200 {
				_, _ = s.Write([]byte("one "))
				_, _ = s.Write([]byte("line\n\nand "))
			}
			s.close()
		}()
	}
	wg.Wait()
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 402 {
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		_, rest, _ := strings.Cut(line, "] ")
		if rest != "one line" && rest != "and one line" && rest != "and " {
			t.Errorf("line %q", line)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestStreamKeepsTheEnd(t *testing.T) {
	s := (&console{out: brokenWriter{}}).stream("")
	line := strings.Repeat("x", 1000) + "\r\n"
	for range 500 {
		if _, err := s.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = s.Write([]byte("the end"))
	if text := s.text(); len(text) > keptOutput || !strings.HasSuffix(text, "x\nthe end") {
		t.Errorf("%d bytes are kept, ending in %q", len(text), text[len(text)-20:])
	}
}
