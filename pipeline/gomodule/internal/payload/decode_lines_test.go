package payload

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// Lines are only another way to read JSON.
func TestLinesAreRead(t *testing.T) {
	m, err := Parse(sealed(t, folder("d"), file("d/f ü文"), link("l", "d/f ü文"), file("z")))
	if err != nil {
		t.Fatal(err)
	}
	m.Entries[3].Codec = CodecZstd
	written := string(Encode(m))
	withHead := strings.Replace(written, "\"files\"", "\"python\": {\"version\":\"3.14.6\"},\n\"files\"", 1)
	for _, text := range []string{written, withHead} {
		checkLines(t, text, true)
	}
	for old, other := range map[string]string{
		`"perm":`:   `"perm": `,
		`"name":"d`: `"name":"\u0064`,
		`"z"`:       "\"z\xff\"",
		`"perm":4`:  `"perm":04`,
		`,"size":0`: `,"size":-1`,
		`"size":0`:  `"size":1234567890123456789`,
		"},\n":      "},",
		"\n]\n":     ",\n]\n",
		`"codec":`:  `"other":`,
		"[\n":       "[\n\n",
		`"}`:        `","name":"again"}`,
		"\"format":  "\"files\": [\n],\n\"format",
	} {
		text := strings.Replace(written, old, other, 1)
		if text == written {
			t.Errorf("%q is not in:\n%s", old, written)
		}
		checkLines(t, text, false)
	}
}

// checkLines compares decodeLines with json.Unmarshal.
func checkLines(t *testing.T, text string, want bool) {
	t.Helper()
	got, ok := decodeLines([]byte(text))
	if ok != want {
		t.Errorf("read as lines: %v, want %v:\n%s", ok, want, text)
	}
	var slow jsonManifest
	if err := json.Unmarshal([]byte(text), &slow); ok && (err != nil || !reflect.DeepEqual(*got, slow)) {
		t.Errorf("read as lines:\n%+v\nas JSON, %v:\n%+v", got, err, slow)
	}
}
