package embed_util

import (
	"errors"
	"testing"
)

func TestZeroEmbeddedFiles(t *testing.T) {
	var e EmbeddedFiles
	if e.GetExtractedPath() != "" {
		t.Error("it has a path")
	}
	_, errExtract := e.Extract()
	_, errPrune := e.Prune(0)
	for name, err := range map[string]error{"Extract": errExtract, "Prune": errPrune, "Verify": e.Verify(), "Repair": e.Repair()} {
		if !errors.Is(err, ErrManifest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := e.Cleanup(); err != nil {
		t.Errorf("Cleanup: %v", err)
	}
}
