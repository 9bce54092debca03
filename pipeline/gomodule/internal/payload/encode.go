package payload

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Encode writes a files.json of format 1, one entry a line, keys in a
// fixed order: what is equal is equal byte by byte.
func Encode(m *Manifest) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"format\": %d,\n\"contentHash\": \"%s\",\n", formatVersion, ContentHash(m.Entries))
	if m.Stream != "" {
		fmt.Fprintf(&b, "\"stream\": \"%s\",\n", m.Stream)
	}
	b.WriteString("\"files\": [")
	for i := range m.Entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		encodeEntry(&b, &m.Entries[i])
	}
	b.WriteString("\n]\n}\n")
	return b.Bytes()
}

func encodeEntry(b *bytes.Buffer, e *Entry) {
	fmt.Fprintf(b, `{"name":%s,"perm":%d`, quote(e.Name), uint32(e.Mode))
	switch {
	case e.IsRegular():
		fmt.Fprintf(b, `,"size":%d,"sha256":"%s"`, e.Size, e.Sum)
		if e.Codec != CodecRaw {
			fmt.Fprintf(b, `,"codec":"%s"`, e.Codec)
		}
	case e.IsSymlink():
		fmt.Fprintf(b, `,"symlink":%s`, quote(e.Symlink))
	}
	b.WriteByte('}')
}

// quote makes a JSON string of a checked name. Names have no control
// characters, and everything else stays the UTF-8 it is.
func quote(s string) string {
	return `"` + escapes.Replace(s) + `"`
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// encodeLegacy writes a manifest for files beside it under their own
// names, as go-embed-python reads and writes it.
func encodeLegacy(entries []Entry) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"contentHash\": \"%s\",\n\"files\": [", ContentHash(entries))
	for i := range entries {
		e := &entries[i]
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n{\"name\":" + quote(e.Name) +
			`,"size":` + strconv.FormatInt(e.Size, 10) +
			`,"perm":` + strconv.FormatUint(uint64(e.Mode), 10))
		if e.IsSymlink() {
			b.WriteString(`,"symlink":` + quote(e.Symlink))
		}
		b.WriteByte('}')
	}
	b.WriteString("\n]\n}\n")
	return b.Bytes()
}
