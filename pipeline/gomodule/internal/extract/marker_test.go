package extract

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/testtree"
)

func someMarker() *marker {
	return &marker{key: payload.EmptySum, boot: osfs.BootID(), copies: true, entries: []markerEntry{
		{name: ".", dir: true, FileStat: osfs.FileStat{Mode: 0o700, Inode: 7}},
		{name: "a/ünï", FileStat: osfs.FileStat{Mode: 0o644, Owner: 1 << 31, Size: 1 << 40, MTime: -5, CTime: 12, Inode: 1 << 63}},
	}}
}

func TestMarkerRoundTrip(t *testing.T) {
	m := someMarker()
	data := m.encode()
	got, err := decodeMarker(data)
	if err != nil || !got.equal(m) {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range data {
		for _, bit := range []byte{1, 0x80} {
			data[i] ^= bit
			if _, err := decodeMarker(data); err == nil {
				t.Fatalf("a flipped bit at %d is not seen", i)
			}
			data[i] ^= bit
		}
		if _, err := decodeMarker(data[:i]); err == nil {
			t.Fatalf("%d bytes of it are accepted", i)
		}
	}
}

// On a file system whose clock ticks slowly, an entry that was changed in the
// present tick is not trusted.
func TestSlowClock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marker")
	m := someMarker()
	future := time.Now().Add(time.Hour).UnixNano()
	m.entries = append(m.entries, markerEntry{name: "young", FileStat: osfs.FileStat{MTime: future, CTime: future}})
	testtree.Must(t, m.publish(path))
	got, err := readMarker(path)
	testtree.Must(t, err)
	if got.entries[1].CTime != 12 || got.entries[2].CTime != osfs.UntrustedCTime {
		t.Errorf("published %+v", got.entries)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("left: %v", files)
	}
}

// After publish, a change gets a later time than every time in the marker.
func TestPublishWaitsForTheClock(t *testing.T) {
	if !osfs.HasChangeTime {
		t.Skip("this system keeps no time of change that programs cannot set")
	}
	for name, c := range clocks {
		t.Run(name, func(t *testing.T) {
			c.use(t)
			dir := t.TempDir()
			trusted := 0
			for range c.rounds {
				path := filepath.Join(dir, "file")
				testtree.Must(t, os.WriteFile(path, []byte("a"), 0o600))
				s, err := osfs.Lstat(path)
				testtree.Must(t, err)
				m := marker{entries: []markerEntry{{name: "file", FileStat: s}}}
				testtree.Must(t, m.publish(filepath.Join(dir, "marker")))
				if m.entries[0].CTime == osfs.UntrustedCTime {
					continue
				}
				trusted++
				testtree.Must(t, os.WriteFile(path, []byte("b"), 0o600))
				if after, err := osfs.Lstat(path); err != nil || after.CTime <= s.CTime {
					t.Fatalf("changed later, stamped %d after %d: %v", after.CTime, s.CTime, err)
				}
			}
			if c.tick < int64(settleTime) && trusted < c.rounds/2 {
				t.Errorf("it waited long enough %d times of %d", trusted, c.rounds)
			}
		})
	}
}
