package payload

import (
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/testtree"
)

func TestCopiesOfNothing(t *testing.T) {
	m, err := Parse(sealed(t, folder("d"), link("d/self", "."), link("dangling", "nowhere"), link("loop", "loop")))
	testtree.Must(t, err)
	_, err = TreeEntries(m, true)
	for _, want := range []string{"dangling", "loop", "d/self"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if _, err := TreeEntries(m, false); err != nil {
		t.Error(err)
	}
}
