package pip

import (
	"strings"
	"testing"
)

func TestEditable(t *testing.T) {
	const editable = `{"dir_info": {"editable": true}, "url": "file:///src/NAME"}`
	for name, c := range map[string]struct {
		files map[string]string
		want  []string // in the error, nil for none
	}{
		"nothing":        {},
		"from the index": {files: map[string]string{"a-1.dist-info/METADATA": "m"}},
		"from a folder":  {files: map[string]string{"a-1.dist-info/direct_url.json": `{"dir_info": {}, "url": "file:///src/a"}`}},
		"from a URL":     {files: map[string]string{"a-1.dist-info/direct_url.json": `{"archive_info": {"hash": "x"}, "url": "https://x/a.whl"}`}},
		"data":           {files: map[string]string{"a/direct_url.json": editable}},
		"editable": {files: map[string]string{
			"a-1.dist-info/direct_url.json": strings.ReplaceAll(editable, "NAME", "a"),
			"b-1.dist-info/direct_url.json": strings.ReplaceAll(editable, "NAME", "b"),
		}, want: []string{"file:///src/a", "file:///src/b", "some-platform", "without -e"}},
		"broken": {files: map[string]string{"a-1.dist-info/direct_url.json": "{"}, want: []string{"direct_url.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			site := t.TempDir()
			writeFiles(t, site, c.files)
			err := checkEditable(&target{name: "some-platform"}, site)
			if (err != nil) != (c.want != nil) {
				t.Fatalf("error %v", err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("no %q in %v", part, err)
				}
			}
		})
	}
}
