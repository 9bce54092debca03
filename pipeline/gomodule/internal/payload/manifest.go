package payload

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"sort"
	"strconv"
	"strings"
)

// ManifestName is the manifest's file name in a payload's folder.
const ManifestName = "files.json"

// formatVersion is the payload format that this package writes and reads.
const formatVersion = 1

// codec says how a blob holds its content.
type codec string

const (
	CodecRaw  codec = ""
	CodecZstd codec = "zstd"
	codecGzip codec = "gzip" // older manifests only
)

// Entry is one file, folder or symlink of a payload.
type Entry struct {
	Name    string      // clean, "/"-separated
	Mode    fs.FileMode // type bits and permissions
	Size    int64       // of a regular file's content, in bytes
	Sum     string      // its sha256 in hex; "" in older manifests
	Symlink string      // a symlink's target, as written
	Blob    string      // the payload's file that a regular file's content is in
	Codec   codec
}

func (e *Entry) IsDir() bool { return e.Mode.IsDir() }

func (e *Entry) IsSymlink() bool { return e.Mode&fs.ModeSymlink != 0 }

func (e *Entry) IsRegular() bool { return e.Mode.IsRegular() }

// Perm is the permission the entry gets on disk. The owner can always read,
// repair and remove it, and nobody else can ever write to it.
func (e *Entry) Perm() fs.FileMode {
	p := e.Mode.Perm() &^ 0o022
	if e.IsDir() {
		return p | 0o700
	}
	return p | 0o600
}

// Manifest is a payload's checked table of contents, sorted by name.
type Manifest struct {
	Entries []Entry
	Stream  string // the one file with all contents; "" when they have a blob each
}

// distinct returns the first entry of every content that is not empty, in the
// manifest's order, which is that of the contents in a stream.
func (m *Manifest) distinct() []*Entry {
	var first []*Entry
	seen := make(map[string]bool, len(m.Entries))
	for i := range m.Entries {
		if e := &m.Entries[i]; e.IsRegular() && e.Size > 0 && !seen[e.Sum] {
			seen[e.Sum] = true
			first = append(first, e)
		}
	}
	return first
}

// DiskBytes is the room that the files take, counted in blocks.
func (m *Manifest) DiskBytes() int64 {
	const block = 4096
	var n int64
	for i := range m.Entries {
		n += (m.Entries[i].Size + block - 1) / block * block
		n += block / 4 // inodes and folder entries
	}
	return n
}

// Symlinks maps the symlinks of the tree to their targets.
func (m *Manifest) Symlinks() map[string]string {
	links := make(map[string]string)
	for i := range m.Entries {
		if e := &m.Entries[i]; e.IsSymlink() {
			links[e.Name] = e.Symlink
		}
	}
	return links
}

// HasExecutable says whether the tree holds a file that is meant to be run.
func (m *Manifest) HasExecutable() bool {
	for i := range m.Entries {
		if e := &m.Entries[i]; e.IsRegular() && e.Mode&0o111 != 0 {
			return true
		}
	}
	return false
}

// CaseCollision returns two names that a case-insensitive file system would hold
// as one.
func (m *Manifest) CaseCollision() (a, b string, found bool) {
	seen := make(map[string]string, len(m.Entries))
	for i := range m.Entries {
		name := m.Entries[i].Name
		folded := strings.ToLower(strings.ToUpper(name))
		if other, ok := seen[folded]; ok {
			return other, name, true
		}
		seen[folded] = name
	}
	return "", "", false
}

// ContentHash is the digest of everything a tree consists of. How blobs are
// stored is not part of it: equal trees have equal hashes, no matter what packed them.
func ContentHash(entries []Entry) string {
	h := sha256.New()
	var b []byte
	for i := range entries {
		e := &entries[i]
		b = append(append(b[:0], e.Name...), 0)
		b = append(strconv.AppendUint(b, uint64(e.Mode), 10), 0)
		b = append(strconv.AppendInt(b, e.Size, 10), 0)
		b = append(append(b, e.Sum...), 0)
		b = append(append(b, e.Symlink...), '\n')
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func sortEntries(entries []Entry) {
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name < entries[j].Name })
}

// EmptySum is the sha256 of no content.
const EmptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// zstdSuffix ends the names of compressed blobs and streams.
const zstdSuffix = ".zst"

// blobName is where a content with this sha256 is stored.
func blobName(sum string, c codec) string {
	if c == CodecZstd {
		return sum[:32] + zstdSuffix
	}
	return sum[:32]
}

// isBlobName says whether a blob or stream can have this name.
func isBlobName(s string) bool {
	s = strings.TrimSuffix(s, zstdSuffix)
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}

// isHex is 1 for lower-case hex digits. Digits and letters take turns at random in a hash, so
// that a processor would guess a comparison wrong every other time: a fifth of the time that
// a manifest takes.
var isHex = [256]byte{
	'0': 1, '1': 1, '2': 1, '3': 1, '4': 1, '5': 1, '6': 1, '7': 1,
	'8': 1, '9': 1, 'a': 1, 'b': 1, 'c': 1, 'd': 1, 'e': 1, 'f': 1,
}

func isHexSum(s string) bool {
	good := byte(1)
	for i := range len(s) {
		good &= isHex[s[i]]
	}
	return len(s) == 64 && good == 1
}
