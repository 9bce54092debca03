package payload

import (
	"strings"
	"testing"
)

func TestLegacyManifestFaults(t *testing.T) {
	for want, data := range map[string]string{
		`path element ".."`: `{"files":[{"name":"..\\x","size":1,"perm":420}]}`,
		"leaves the tree":   `{"files":[{"name":"l","perm":134217728,"symlink":"../x"}]}`,
		"is listed twice": `{"files":[{"name":"a/b","size":1,"perm":420},` +
			`{"name":"a\\b","size":1,"perm":420}]}`,
		"size is missing": `{"files":[{"name":"a","perm":420}]}`,
		"not a file":      `{"files":[{"name":"a","size":1,"perm":33554852}]}`,
	} {
		if _, err := Parse([]byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
