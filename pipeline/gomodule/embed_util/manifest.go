package embed_util

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"sort"
	"strconv"
	"strings"
)

// manifestName is the manifest's file name in a payload's folder.
const manifestName = "files.json"

// formatNumber is the payload format that this package writes and reads.
const formatNumber = 1

// codec says how a blob holds its content.
type codec string

const (
	codecRaw  codec = ""
	codecZstd codec = "zstd"
	codecGzip codec = "gzip" // older manifests only
)

// entry is one file, folder or symlink of a payload.
type entry struct {
	name    string      // clean, "/"-separated
	mode    fs.FileMode // type bits and permissions
	size    int64       // of a regular file's content, in bytes
	sum     string      // its sha256 in hex; "" in older manifests
	symlink string      // a symlink's target, as written
	blob    string      // the payload's file that a regular file's content is in
	codec   codec
}

func (e *entry) isDir() bool     { return e.mode.IsDir() }
func (e *entry) isSymlink() bool { return e.mode&fs.ModeSymlink != 0 }
func (e *entry) isRegular() bool { return e.mode.IsRegular() }

// perm is the permission the entry gets on disk. The owner can always read,
// repair and remove it, and nobody else can ever write to it.
func (e *entry) perm() fs.FileMode {
	p := e.mode.Perm() &^ 0o022
	if e.isDir() {
		return p | 0o700
	}
	return p | 0o600
}

// manifest is a payload's checked table of contents, sorted by name.
type manifest struct {
	entries []entry
	stream  string // the one file with all contents; "" when they have a blob each
}

// distinct returns the first entry of every content that is not empty, in the
// manifest's order, which is that of the contents in a stream.
func (m *manifest) distinct() []*entry {
	var first []*entry
	seen := make(map[string]bool, len(m.entries))
	for i := range m.entries {
		if e := &m.entries[i]; e.isRegular() && e.size > 0 && !seen[e.sum] {
			seen[e.sum] = true
			first = append(first, e)
		}
	}
	return first
}

// bytes is the room that the files take, counted in blocks.
func (m *manifest) bytes() int64 {
	const block = 4096
	var n int64
	for i := range m.entries {
		n += (m.entries[i].size + block - 1) / block * block
		n += block / 4 // inodes and folder entries
	}
	return n
}

// links maps the symlinks of the tree to their targets.
func (m *manifest) links() map[string]string {
	links := make(map[string]string)
	for i := range m.entries {
		if e := &m.entries[i]; e.isSymlink() {
			links[e.name] = e.symlink
		}
	}
	return links
}

// executable says whether the tree holds a file that is meant to be run.
func (m *manifest) executable() bool {
	for i := range m.entries {
		if e := &m.entries[i]; e.isRegular() && e.mode&0o111 != 0 {
			return true
		}
	}
	return false
}

// collision returns two names that a case-insensitive file system would hold
// as one.
func (m *manifest) collision() (a, b string, found bool) {
	seen := make(map[string]string, len(m.entries))
	for i := range m.entries {
		name := m.entries[i].name
		folded := strings.ToLower(strings.ToUpper(name))
		if other, ok := seen[folded]; ok {
			return other, name, true
		}
		seen[folded] = name
	}
	return "", "", false
}

// contentHash is the digest of everything a tree consists of. How blobs are
// stored is not part of it: equal trees have equal hashes whoever packed them.
func contentHash(entries []entry) string {
	h := sha256.New()
	var b []byte
	for i := range entries {
		e := &entries[i]
		b = append(append(b[:0], e.name...), 0)
		b = append(strconv.AppendUint(b, uint64(e.mode), 10), 0)
		b = append(strconv.AppendInt(b, e.size, 10), 0)
		b = append(append(b, e.sum...), 0)
		b = append(append(b, e.symlink...), '\n')
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func sortEntries(entries []entry) {
	sort.Slice(entries, func(i, j int) bool { return entries[i].name < entries[j].name })
}

// emptySum is the sha256 of no content.
const emptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// zstdSuffix ends the names of compressed blobs and streams.
const zstdSuffix = ".zst"

// blobName is where a content with this sha256 is stored.
func blobName(sum string, c codec) string {
	if c == codecZstd {
		return sum[:32] + zstdSuffix
	}
	return sum[:32]
}

// isBlobName says whether a blob or stream can have this name.
func isBlobName(s string) bool {
	s = strings.TrimSuffix(s, zstdSuffix)
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}

func isHexSum(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
