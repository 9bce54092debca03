package extract

import (
	"strings"
	"sync/atomic"

	"github.com/goempy/goempy/internal/osfs"
)

// inspection is what a look at a place has found, without reading any content.
type inspection struct {
	marker   *marker // nil when there is none that can be used
	suspects []bool  // by index of marker.entries; nil when none is suspect
}

// good says that the tree of this key is complete and untouched.
func (v *inspection) good(key string) bool {
	return v.marker != nil && v.marker.key == key && v.suspects == nil
}

// canRun says why programs of a tree cannot run where it is: its file system may
// have been mounted otherwise since.
func (v *inspection) canRun(p *Location) error {
	for i := range v.marker.entries {
		if v.marker.entries[i].IsExecutable() {
			return osfs.CheckVolume(p.tree, 0, true)
		}
	}
	return nil
}

// suspect returns the names whose content has to be looked at. all is true
// when that is every name.
func (v *inspection) suspect(key string) (names map[string]bool, all bool) {
	if v.marker == nil || v.marker.key != key {
		return nil, true
	}
	names = make(map[string]bool)
	for i, bad := range v.suspects {
		if !bad {
			continue
		}
		e := &v.marker.entries[i]
		if e.name == "." {
			return nil, true
		}
		names[e.name] = true
		if v.marker.entries[i].dir {
			v.marker.addBelow(e.name, names)
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
func inspect(p *Location, key string) inspection {
	m, err := readMarker(p.markerPath())
	if err != nil {
		return inspection{}
	}
	v := inspection{marker: m}
	if m.key != key {
		return v
	}
	if !osfs.SameBoot(m.boot, osfs.BootID()) {
		v.suspects = make([]bool, len(m.entries))
		for i := range v.suspects {
			v.suspects[i] = true
		}
		return v
	}
	suspects := make([]bool, len(m.entries))
	var found atomic.Bool
	osfs.LstatAll(p.tree, len(m.entries),
		func(i int) string { return m.entries[i].name },
		func(i int, s osfs.FileStat, err error) {
			if err != nil || s != m.entries[i].FileStat {
				suspects[i] = true
				found.Store(true)
			}
		})
	if found.Load() {
		v.suspects = suspects
	}
	return v
}
