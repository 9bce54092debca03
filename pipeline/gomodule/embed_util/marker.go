package embed_util

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"time"
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
}

type markerEntry struct {
	name string // "." is the tree's own folder
	dir  bool
	stamp
}

const markerMagic = "goempy marker 1\n"

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
		b = binary.LittleEndian.AppendUint32(b, e.mode)
		b = binary.LittleEndian.AppendUint64(b, uint64(e.size))
		b = binary.LittleEndian.AppendUint64(b, uint64(e.mtime))
		b = binary.LittleEndian.AppendUint64(b, uint64(e.ctime))
		b = binary.LittleEndian.AppendUint64(b, e.inode)
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
	r := markerReader{s: string(data[len(markerMagic):end])}
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
		fixed := r.take(4 + 4*8)
		if r.bad {
			return nil, errBadMarker
		}
		e.mode = uint32(le(fixed[0:4]))
		e.size = int64(le(fixed[4:12]))
		e.mtime = int64(le(fixed[12:20]))
		e.ctime = int64(le(fixed[20:28]))
		e.inode = le(fixed[28:36])
	}
	if r.bad || r.s != "" {
		return nil, errBadMarker
	}
	return m, nil
}

// markerReader cuts names out of one string, so that a marker of a thousand
// entries costs two allocations.
type markerReader struct {
	s   string
	bad bool
}

func (r *markerReader) take(n uint64) string {
	if r.bad || n > uint64(len(r.s)) {
		r.bad = true
		return ""
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *markerReader) uvarint() uint64 {
	var v uint64
	for i := 0; i < len(r.s) && i < binary.MaxVarintLen64; i++ {
		c := r.s[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.s = r.s[i+1:]
			return v
		}
	}
	r.bad = true
	return 0
}

func (r *markerReader) bool() bool { return r.take(1) == "\x01" }

func (r *markerReader) str() string { return r.take(r.uvarint()) }

func le(s string) uint64 {
	var v uint64
	for i := len(s) - 1; i >= 0; i-- {
		v = v<<8 | uint64(s[i])
	}
	return v
}

func readMarker(path string) (*marker, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return decodeMarker(data)
}

// equal says that writing m in place of old would change nothing.
func (m *marker) equal(old *marker) bool {
	if m.key != old.key || !sameBoot(old.boot, m.boot) || m.copies != old.copies || len(m.entries) != len(old.entries) {
		return false
	}
	for i := range m.entries {
		if m.entries[i] != old.entries[i] {
			return false
		}
	}
	return true
}

// settleTime is how long publishing waits for the file system's clock to move
// on. Clocks tick every few milliseconds; where a tick is a second or two, the
// youngest entries are left to be hashed at the next start instead.
const settleTime = 50 * time.Millisecond

// publish makes m the marker at path.
func (m *marker) publish(path string) error {
	if err := m.prepare(path); err != nil {
		return err
	}
	return m.commit(path)
}

// besideSuffix makes the name of a marker that does not count yet.
const besideSuffix = ".new"

// prepare writes m beside path. A stamp can only vouch for a file if a later
// change must get a later ctime, so prepare returns when the clock that stamps
// files has passed every time in m.
func (m *marker) prepare(path string) error {
	beside := path + besideSuffix
	if err := writeOwn(beside, m.encode()); err != nil {
		return err
	}
	now, err := m.settle(beside)
	if err != nil {
		return err
	}
	if m.distrust(now) {
		return writeOwn(beside, m.encode())
	}
	return nil
}

// commit puts what prepare has written in its place.
func (m *marker) commit(path string) error {
	if err := renameRetry(path+besideSuffix, path); err != nil {
		return fmt.Errorf("publish the marker: %w", err)
	}
	return nil
}

// unprepare removes what prepare has written, if anything.
func unprepare(path string) { _ = os.Remove(path + besideSuffix) }

// settle waits until a change made now would be stamped later than all of m.
// It returns the time that such a change gets.
func (m *marker) settle(probe string) (int64, error) {
	newest := m.newest()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		s, err := stampOf(probe)
		if err != nil {
			return 0, err
		}
		now := s.changed()
		if now > newest || time.Since(start) > settleTime {
			return now, nil
		}
		// Setting times to the present is the cheapest change there is.
		if err := os.Chtimes(probe, time.Now(), time.Now()); err != nil {
			return 0, err
		}
	}
}

// changed is the time of the last change that the stamp can tell. Programs
// can set mtime to anything, so it counts only where there is no ctime.
func (s *stamp) changed() int64 {
	if hasChangeTime {
		return s.ctime
	}
	return s.mtime
}

func (m *marker) newest() int64 {
	var newest int64
	for i := range m.entries {
		newest = max(newest, m.entries[i].changed())
	}
	return newest
}

// distrust takes the word of every stamp that is not older than now.
func (m *marker) distrust(now int64) bool {
	found := false
	for i := range m.entries {
		// Folders have no times here, so they are never affected.
		if e := &m.entries[i]; e.changed() >= now {
			e.ctime = untrusted
			found = true
		}
	}
	return found
}
