package embed_util

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// encodeManifest writes a files.json of format 1, one entry a line, keys in a
// fixed order: what is equal is equal byte by byte.
func encodeManifest(m *manifest) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"format\": %d,\n\"contentHash\": \"%s\",\n", formatNumber, contentHash(m.entries))
	if m.stream != "" {
		fmt.Fprintf(&b, "\"stream\": \"%s\",\n", m.stream)
	}
	b.WriteString("\"files\": [")
	for i := range m.entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		encodeEntry(&b, &m.entries[i])
	}
	b.WriteString("\n]\n}\n")
	return b.Bytes()
}

func encodeEntry(b *bytes.Buffer, e *entry) {
	fmt.Fprintf(b, `{"name":%s,"perm":%d`, quote(e.name), uint32(e.mode))
	switch {
	case e.isRegular():
		fmt.Fprintf(b, `,"size":%d,"sha256":"%s"`, e.size, e.sum)
		if e.codec != codecRaw {
			fmt.Fprintf(b, `,"codec":"%s"`, e.codec)
		}
	case e.isSymlink():
		fmt.Fprintf(b, `,"symlink":%s`, quote(e.symlink))
	}
	b.WriteByte('}')
}

// quote makes a JSON string of a checked name. Names have no control
// characters, and everything else stays the UTF-8 it is.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// encodeOld writes a manifest for files that stand beside it under their own
// names, as go-embed-python reads and writes it.
func encodeOld(entries []entry) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"contentHash\": \"%s\",\n\"files\": [", contentHash(entries))
	for i := range entries {
		e := &entries[i]
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n{\"name\":" + quote(e.name) +
			`,"size":` + strconv.FormatInt(e.size, 10) +
			`,"perm":` + strconv.FormatUint(uint64(e.mode), 10))
		if e.isSymlink() {
			b.WriteString(`,"symlink":` + quote(e.symlink))
		}
		b.WriteByte('}')
	}
	b.WriteString("\n]\n}\n")
	return b.Bytes()
}
