package embed_util

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"

	"github.com/goempy/goempy/internal/testtree"
)

func TestWriteEmbedGoFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for name, platform := range map[string][2]string{
		"embed.go":               {"", ""},
		"embed_linux_amd64.go":   {"linux", "amd64"},
		"embed_windows_arm64.go": {"windows", "arm64"},
	} {
		testtree.Must(t, WriteEmbedGoFile(dir, platform[0], platform[1]))
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.ParseComments)
		if err != nil {
			t.Error(err)
			continue
		}
		if f.Name.Name != "data" || f.Scope.Lookup("Data") == nil {
			t.Errorf("%s has no data.Data", name)
		}
	}
}
