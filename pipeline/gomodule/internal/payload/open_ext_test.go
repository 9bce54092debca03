package payload_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// The head is read alone at every start, so it has to agree with the whole.
func TestHead(t *testing.T) {
	dir := testpayload.Pack(t, testtree.Sample())
	data, err := os.ReadFile(filepath.Join(dir, payload.ManifestName))
	testtree.Must(t, err)
	m, err := payload.Parse(data)
	testtree.Must(t, err)
	pl, err := payload.Open(os.DirFS(dir))
	if err != nil || pl.Key != payload.ContentHash(m.Entries) {
		t.Errorf("%+v, %v", pl, err)
	}
}
