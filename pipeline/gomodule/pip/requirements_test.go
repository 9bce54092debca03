package pip

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHasHashes(t *testing.T) {
	t.Setenv("GOEMPY_TEST_FOLDER", "more")
	const hash = "--hash=sha256:0123"
	for name, c := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"none":                {map[string]string{"r.txt": "jinja2==3.1.6\n"}, false},
		"empty":               {map[string]string{"r.txt": ""}, false},
		"one line":            {map[string]string{"r.txt": "jinja2==3.1.6 " + hash}, true},
		"with a space":        {map[string]string{"r.txt": "jinja2==3.1.6 --hash sha256:0123"}, true},
		"continued":           {map[string]string{"r.txt": "jinja2==3.1.6 \\\n    " + hash + " \\\n    " + hash + "\n"}, true},
		"continued, CRLF":     {map[string]string{"r.txt": "jinja2==3.1.6 \\\r\n    " + hash + "\r\n"}, true},
		"continued to EOF":    {map[string]string{"r.txt": "jinja2 " + hash + " \\"}, true},
		"split in the middle": {map[string]string{"r.txt": "jinja2 --ha\\\nsh=sha256:0123\n"}, true},
		"comment line":        {map[string]string{"r.txt": "# " + hash + "\njinja2\n"}, false},
		"comment at the end":  {map[string]string{"r.txt": "jinja2 # " + hash + "\n"}, false},
		"comment ends a line": {map[string]string{"r.txt": "jinja2 \\\n # a comment \\\n " + hash + "\n"}, true},
		"part of a name":      {map[string]string{"r.txt": "x--hash=1\n"}, false},
		"in a fragment":       {map[string]string{"r.txt": "x @ file:///x.whl#sha256=0123\n"}, false},
		"included":            {map[string]string{"r.txt": "-r more/a.txt\n", "more/a.txt": "--requirement=b.txt\n", "more/b.txt": "x " + hash}, true},
		"included, no space":  {map[string]string{"r.txt": "-ra.txt\n", "a.txt": "x " + hash}, true},
		"included, quoted":    {map[string]string{"r.txt": "-r 'a b.txt'\n", "a b.txt": "x " + hash}, true},
		"included, variable":  {map[string]string{"r.txt": "-r ${GOEMPY_TEST_FOLDER}/a.txt\n", "more/a.txt": "x " + hash}, true},
		"included, none":      {map[string]string{"r.txt": "--requirement a.txt\n", "a.txt": "x"}, false},
		"included, address":   {map[string]string{"r.txt": "-r https://example.invalid/r.txt\n"}, false},
		"includes itself":     {map[string]string{"r.txt": "-r r.txt\n-r a.txt\n", "a.txt": "-r r.txt"}, false},
		"constraints":         {map[string]string{"r.txt": "-c c.txt\nx\n"}, false},
		"byte order mark":     {map[string]string{"r.txt": "\xef\xbb\xbf-r a.txt\n", "a.txt": "x " + hash}, true},
		"UTF-16":              {map[string]string{"r.txt": "\xff\xfe-\x00r\x00 \x00a\x00\n\x00", "a": "x " + hash}, true},
		"UTF-16, other order": {map[string]string{"r.txt": "\xfe\xff\x00-\x00r\x00 \x00a\x00\n", "a": "x " + hash}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFiles(t, dir, c.files)
			f, err := scan(filepath.Join(dir, "r.txt"))
			if err != nil {
				t.Fatal(err)
			}
			if f.hashes != c.want {
				t.Errorf("got %v", f.hashes)
			}
		})
	}
}

func TestHasRequirements(t *testing.T) {
	for text, want := range map[string]bool{
		"":                              false,
		"# tool\n\n  # tool\n":          false,
		"--no-index\n-f x\n-i y\n":      false,
		"-c c.txt\n":                    false,
		"-r empty.txt\n":                false,
		"--extra-index-url \\\n  z\n":   false,
		"tool\n":                        true,
		"--no-index\n  tool==1 # why\n": true,
		"-e ./tool\n":                   true,
		"-r tool.txt\n":                 true,
	} {
		dir := t.TempDir()
		writeFiles(t, dir, map[string]string{"r.txt": text, "tool.txt": "tool", "empty.txt": "\n"})
		if f, err := scan(filepath.Join(dir, "r.txt")); err != nil || f.requirements != want {
			t.Errorf("%q: %v, %v", text, f.requirements, err)
		}
	}
}

func TestHasHashesMissing(t *testing.T) {
	dir := t.TempDir()
	if _, err := scan(filepath.Join(dir, "r.txt")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	writeFiles(t, dir, map[string]string{"r.txt": "-r nothing.txt\n"})
	if _, err := scan(filepath.Join(dir, "r.txt")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing included file: %v", err)
	}
}
