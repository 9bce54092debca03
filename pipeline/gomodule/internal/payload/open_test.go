package payload

import (
	"strings"
	"testing"
)

// Anything else is read as a whole.
func TestNoHead(t *testing.T) {
	for _, text := range []string{"", "[", "{", `{"files":[]}`, `{"contentHash":"x"}`, `{"format":1}`, `{"format":1,"contentHash":"short"}`, `{"format":"1"}`} {
		if _, ok, err := readHead(strings.NewReader(text)); ok || err != nil {
			t.Errorf("%q: %v, %v", text, ok, err)
		}
	}
}
