package overlay

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
)

func TestOpen(t *testing.T) {
	tree := fstest.MapFS{
		"linux-amd64/files.json": {Data: []byte("own")},
		"linux-amd64/both":       {Data: []byte("own")},
		"common/both":            {Data: []byte("shared")},
		"common/shared":          {Data: []byte("shared")},
		"outside":                {Data: []byte("outside")},
	}
	l, err := New(tree, "linux-amd64", "common")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"files.json": "own", "both": "own", "shared": "shared"} {
		if got, err := fs.ReadFile(l, name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"outside", "nothing"} {
		if _, err := l.Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := l.Open("../outside"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("../outside: %v", err)
	}
	alone, err := New(tree, "linux-amd64", "missing")
	if err != nil || len(alone) != 1 {
		t.Errorf("without a common folder: %v, %v", alone, err)
	}
	if _, err := (FS{}).Open("x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no layers: %v", err)
	}
}
