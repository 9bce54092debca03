package extract

import (
	"strings"
	"sync/atomic"

	"github.com/goempy/goempy/internal/osfs"
)

// inspection is what the FileStats of a tree say, compared with its marker.
type inspection struct {
	marker   *marker // nil when there is none that can be used
	suspects []bool  // by index of marker.entries; nil when none is suspect
}

// good says that the tree of this key is complete and untouched.
func (seen *inspection) good(key string) bool {
	return seen.marker != nil && seen.marker.key == key && seen.suspects == nil
}

// fits says that the tree at loc is good and as open as it has to be.
func (seen *inspection) fits(loc *Location, key string) bool {
	if !seen.good(key) {
		return false
	}
	folder := seen.marker.entries[0] // as it is now, or the tree would not be good
	return uint32(loc.mode)&^folder.Mode == 0
}

// canRun says why programs of a tree cannot run where it is: its file system may
// have been mounted otherwise since.
func (seen *inspection) canRun(loc *Location) error {
	for i := range seen.marker.entries {
		if seen.marker.entries[i].IsExecutable() {
			return osfs.CheckVolume(loc.tree, 0, true)
		}
	}
	return nil
}

// suspect returns the names whose content has to be looked at. all is true
// when that is every name.
func (seen *inspection) suspect(key string) (names map[string]bool, all bool) {
	if seen.marker == nil || seen.marker.key != key {
		return nil, true
	}
	names = make(map[string]bool)
	for i, bad := range seen.suspects {
		if !bad {
			continue
		}
		e := &seen.marker.entries[i]
		if e.name == "." {
			return nil, true
		}
		names[e.name] = true
		if seen.marker.entries[i].dir {
			seen.marker.addBelow(e.name, names)
		}
	}
	return names, false
}

// addBelow adds every name below a folder: when a folder is not the one it
// was, nothing is known about what is in it.
func (m *marker) addBelow(dir string, names map[string]bool) {
	for i := range m.entries {
		if strings.HasPrefix(m.entries[i].name, dir+"/") {
			names[m.entries[i].name] = true
		}
	}
}

// inspect compares the tree with its marker. It takes no lock: markers appear
// by rename, and a tree that is being repaired differs from its marker.
func inspect(loc *Location, key string) inspection { return compare(loc, key, false) }

// inspectNew is inspect for a start that has waited for another one to make the tree, and has
// found neither tree nor marker before. All that is in the tree was written, checked
// and looked at since, so only its own folder is looked at again: that it is the one that was
// recorded. What is changed later is for the next start to find, as it is for the start that
// has made the tree.
func inspectNew(loc *Location, key string) inspection { return compare(loc, key, true) }

func compare(loc *Location, key string, folderOnly bool) inspection {
	m, err := readMarker(loc.markerPath())
	if err != nil {
		return inspection{}
	}
	seen := inspection{marker: m}
	if m.key != key {
		return seen
	}
	if !osfs.SameBoot(m.boot, osfs.BootID()) {
		seen.suspects = make([]bool, len(m.entries))
		for i := range seen.suspects {
			seen.suspects[i] = true
		}
		return seen
	}
	suspects, n := make([]bool, len(m.entries)), len(m.entries)
	if folderOnly {
		n = 1
	}
	var found atomic.Bool
	osfs.LstatAll(loc.tree, n,
		func(i int) string { return m.entries[i].name },
		func(i int, s osfs.FileStat, err error) {
			if err != nil || s != m.entries[i].FileStat {
				suspects[i] = true
				found.Store(true)
			}
		})
	if found.Load() {
		seen.suspects = suspects
	}
	return seen
}
