package extract

import (
	"fmt"
	"os"
	"time"

	"github.com/goempy/goempy/internal/osfs"
)

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
	if err := osfs.WritePrivate(beside, m.encode()); err != nil {
		return err
	}
	now, err := m.settle(beside)
	if err != nil {
		return err
	}
	if m.distrust(now) {
		return osfs.WritePrivate(beside, m.encode())
	}
	return nil
}

// commit puts what prepare has written in its location.
func (m *marker) commit(path string) error {
	if err := osfs.Rename(path+besideSuffix, path); err != nil {
		return fmt.Errorf("publish the marker: %w", err)
	}
	return nil
}

// removePrepared removes what prepare has written, if anything.
func removePrepared(path string) { _ = os.Remove(path + besideSuffix) }

// settle waits until a change made now would be stamped later than all of m.
// It returns the time that such a change gets.
func (m *marker) settle(probe string) (int64, error) {
	newest := m.newest()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
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
