package extract

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/goempy/goempy/internal/osfs"
)

// marker says that a tree is complete, of which payload, and how each of its
// files looked when it was. It is written last and replaced by rename.
//
// Nothing is flushed to the disk at extraction: after a kill the system still
// has every write. After a power loss it may not, so a marker of another boot
// is taken as a list of files to hash, once.
type marker struct {
	key     string // the payload's
	boot    string // identity of the system's run it was written in
	copies  bool   // symlinks were written as copies
	entries []markerEntry

	beside string // where prepare has written it
}

type markerEntry struct {
	name string // "." is the tree's own folder
	dir  bool
	osfs.FileStat
}

const markerMagic = "goempy marker 2\n"

var crcTable = crc32.MakeTable(crc32.Castagnoli)

var errBadMarker = errors.New("not a marker, or a damaged one")

func (m *marker) encode() []byte {
	b := make([]byte, 0, 160+len(m.entries)*100)
	b = append(b, markerMagic...)
	b = appendString(b, m.key)
	b = appendString(b, m.boot)
	b = appendBool(b, m.copies)
	b = binary.AppendUvarint(b, uint64(len(m.entries)))
	for i := range m.entries {
		e := &m.entries[i]
		b = appendString(b, e.name)
		b = appendBool(b, e.dir)
		b = binary.LittleEndian.AppendUint32(b, e.Mode)
		b = binary.LittleEndian.AppendUint32(b, e.Owner)
		b = binary.LittleEndian.AppendUint64(b, uint64(e.Size))
		b = binary.LittleEndian.AppendUint64(b, uint64(e.MTime))
		b = binary.LittleEndian.AppendUint64(b, uint64(e.CTime))
		b = binary.LittleEndian.AppendUint64(b, e.Inode)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crcTable))
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// decodeMarker reads what encode has written. Anything else is errBadMarker,
// which callers treat like no marker at all.
func decodeMarker(data []byte) (*marker, error) {
	const tail = 4
	if len(data) < len(markerMagic)+tail || string(data[:len(markerMagic)]) != markerMagic {
		return nil, errBadMarker
	}
	end := len(data) - tail
	if binary.LittleEndian.Uint32(data[end:]) != crc32.Checksum(data[:end], crcTable) {
		return nil, errBadMarker
	}
	r := markerReader{s: string(data[len(markerMagic):end]), b: data[len(markerMagic):end]}
	m := &marker{key: r.str(), boot: r.str(), copies: r.bool()}
	n := r.uvarint()
	if n > uint64(len(r.s)) { // an entry takes more than one byte
		return nil, errBadMarker
	}
	m.entries = make([]markerEntry, n)
	for i := range m.entries {
		e := &m.entries[i]
		e.name = r.str()
		e.dir = r.bool()
		fixed := r.b
		r.take(2*4 + 4*8)
		if r.bad {
			return nil, errBadMarker
		}
		e.Mode = binary.LittleEndian.Uint32(fixed[0:])
		e.Owner = binary.LittleEndian.Uint32(fixed[4:])
		e.Size = int64(binary.LittleEndian.Uint64(fixed[8:]))
		e.MTime = int64(binary.LittleEndian.Uint64(fixed[16:]))
		e.CTime = int64(binary.LittleEndian.Uint64(fixed[24:]))
		e.Inode = binary.LittleEndian.Uint64(fixed[32:])
	}
	if r.bad || r.s != "" || n == 0 || m.entries[0].name != "." {
		return nil, errBadMarker
	}
	return m, nil
}

// markerReader cuts names out of one string, so that a marker of a thousand
// entries costs two allocations.
type markerReader struct {
	s   string
	b   []byte // the same
	bad bool
}

func (r *markerReader) take(n uint64) string {
	if r.bad || n > uint64(len(r.s)) {
		r.bad = true
		return ""
	}
	s := r.s[:n]
	r.s, r.b = r.s[n:], r.b[n:]
	return s
}

func (r *markerReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.take(uint64(n))
	return v
}

func (r *markerReader) bool() bool { return r.take(1) == "\x01" }

func (r *markerReader) str() string { return r.take(r.uvarint()) }

func readMarker(path string) (*marker, error) {
	data, err := osfs.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return decodeMarker(data)
}

// equal says that writing m in place of old would change nothing.
func (m *marker) equal(old *marker) bool {
	if m.key != old.key || !osfs.SameBoot(old.boot, m.boot) || m.copies != old.copies || len(m.entries) != len(old.entries) {
		return false
	}
	for i := range m.entries {
		if m.entries[i] != old.entries[i] {
			return false
		}
	}
	return true
}
