package payload

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestStreamManifestFaults(t *testing.T) {
	const good = "0123456789abcdef0123456789abcdef"
	sealedStream := func(stream any, files ...map[string]any) []byte {
		return bytes.Replace(sealed(t, files...), []byte(`{"contentHash"`), []byte(`{"stream":`+quote(stream.(string))+`,"contentHash"`), 1)
	}
	other := func(name string, size int) map[string]any {
		return with(with(file(name), "size", size), "sha256", strings.Repeat("ab", 32))
	}
	for _, name := range []string{good, good + ".zst"} {
		m, err := Parse(sealedStream(name, file("e"), other("f", 3), other("g", 3)))
		if err != nil || m.Stream != name || len(m.distinct()) != 1 || m.distinct()[0].Name != "f" || m.Entries[1].Blob != name {
			t.Errorf("a good one: %+v, %v", m, err)
		}
	}
	for _, name := range []string{"", ".", "..", "x", ManifestName, good[1:], good + "0", good + ".gz", good + ".zst.zst", "../" + good, good[:30] + "/a",
		strings.ToUpper(good), good + ".ZST", good + "/", "./" + good, good + " ", ".zst" + good} {
		m, err := Parse(sealedStream(name, file("f")))
		if m != nil || !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), "is not named by 32") {
			t.Errorf("%q: %v", name, err)
		}
	}
	for want, data := range map[string][]byte{
		`"f": has a codec`:                    sealedStream(good, with(file("f"), "codec", "zstd")),
		`"f": size 1 does not fit`:            sealedStream(good, with(file("f"), "size", 1)),
		`"f": size 0 does not fit`:            sealedStream(good, other("f", 0)),
		`"g": has the sha256 of "f" and anot`: sealedStream(good, other("f", 1), other("g", 2)),
		"sha256 is missing":                   sealedStream(good, with(file("f"), "sha256", nil)),
		"cannot unmarshal":                    []byte(`{"format":1,"stream":3,"files":[]}`),
	} {
		m, err := Parse(data)
		if m != nil || !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
