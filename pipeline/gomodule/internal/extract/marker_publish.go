package extract

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/goempy/goempy/internal/osfs"
)

// settleTime is how long publishing waits for the file system's clock to move
// on. Clocks tick every few milliseconds; where a tick is a second or two, the
// youngest entries are left to be hashed at the next start instead.
const settleTime = 50 * time.Millisecond

// publish makes m the marker at path.
func (m *marker) publish(path string) error {
	err := m.prepare(path)
	if err == nil {
		err = m.commit(path)
	}
	if err != nil {
		m.abandon()
	}
	return err
}

// prepare writes m beside path. A FileStat can only vouch for a file if a later
// change must get a later ctime, so prepare returns when the clock that stamps
// files has passed every time in m.
func (m *marker) prepare(path string) error {
	m.beside = filepath.Join(filepath.Dir(path), uniqueName(newPrefix+"marker-"))
	if err := osfs.WritePrivate(m.beside, m.encode()); err != nil {
		return err
	}
	now, err := m.settle(m.beside)
	if err != nil {
		return err
	}
	if m.distrust(now) {
		return osfs.WritePrivate(m.beside, m.encode())
	}
	return nil
}

// commit puts what prepare has written in its place.
func (m *marker) commit(path string) error {
	if err := osfs.Rename(m.beside, path); err != nil {
		return fmt.Errorf("publish the marker: %w", err)
	}
	return nil
}

// abandon removes what prepare has written, if anything.
func (m *marker) abandon() {
	if m != nil && m.beside != "" {
		_ = os.Remove(m.beside)
	}
}

// settle waits until a change made now would be stamped later than all of m.
// It returns the time that such a change gets.
func (m *marker) settle(probe string) (int64, error) {
	newest := m.newest()
	for start, round := time.Now(), 0; ; round++ {
		if round > 1 { // some systems stamp what was looked at finer than their clock ticks
			time.Sleep(time.Millisecond)
		}
		s, err := osfs.Lstat(probe)
		if err != nil {
			return 0, err
		}
		now := s.ChangedAt()
		if now > newest || time.Since(start) > settleTime {
			return now, nil
		}
		// Setting times to the present is the cheapest change there is.
		if err := os.Chtimes(probe, time.Now(), time.Now()); err != nil {
			return 0, err
		}
	}
}

func (m *marker) newest() int64 {
	var newest int64
	for i := range m.entries {
		newest = max(newest, m.entries[i].ChangedAt())
	}
	return newest
}

// distrust takes the word of every stamp that is not older than now.
func (m *marker) distrust(now int64) bool {
	found := false
	for i := range m.entries {
		// Folders have no times here, so they are never affected.
		if e := &m.entries[i]; e.ChangedAt() >= now {
			e.CTime = osfs.UntrustedCTime
			found = true
		}
	}
	return found
}
