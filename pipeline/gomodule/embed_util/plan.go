package embed_util

import (
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
)

// planFor returns what is to be written at a place: the payload's entries, or
// with copies, the same tree with every symlink replaced by what it leads to.
func planFor(m *manifest, copies bool) ([]entry, error) {
	if !copies {
		return m.entries, nil
	}
	var f faults
	c := copier{links: m.links(), byName: make(map[string]int, len(m.entries)), m: m, f: &f}
	for i := range m.entries {
		c.byName[m.entries[i].name] = i
	}
	for i := range m.entries {
		e := &m.entries[i]
		if e.isSymlink() {
			c.copyTo(e.name, e.name, 0)
		} else {
			c.plan = append(c.plan, *e)
		}
	}
	if err := f.err(ErrManifest); err != nil {
		return nil, err
	}
	sortEntries(c.plan)
	return c.plan, nil
}

type copier struct {
	m      *manifest
	links  map[string]string
	byName map[string]int
	plan   []entry
	f      *faults
}

// copyTo adds what the symlink from leads to under the name to.
func (c *copier) copyTo(to, from string, depth int) {
	final, _, loops := resolve(from, c.links)
	i, known := c.byName[final]
	if loops || !known || depth > maxLinks || c.f.more > 0 {
		c.f.addf("%q: this system or file system has no symlinks, and %q leads to nothing that could be copied", to, from)
		return
	}
	e := c.m.entries[i]
	e.name = to
	c.plan = append(c.plan, e)
	if !e.isDir() {
		return
	}
	// Entries below a folder follow it, sorted.
	start := sort.Search(len(c.m.entries), func(k int) bool { return c.m.entries[k].name >= final+"/" })
	for k := start; k < len(c.m.entries) && strings.HasPrefix(c.m.entries[k].name, final+"/"); k++ {
		below := c.m.entries[k]
		name := to + strings.TrimPrefix(below.name, final)
		if below.isSymlink() {
			c.copyTo(name, below.name, depth+1)
			continue
		}
		below.name = name
		c.plan = append(c.plan, below)
	}
}

// needCopies finds out whether dir's file system refuses symlinks. On Windows
// they take a privilege that users do not have, so copies are the rule there.
func needCopies(dir string) bool {
	if runtime.GOOS == "windows" {
		return true
	}
	probe := filepath.Join(dir, "new-link")
	_ = os.Remove(probe)
	if err := os.Symlink("target", probe); err != nil {
		return refusesSymlinks(err)
	}
	_ = os.Remove(probe)
	return false
}

// foldsNames finds out whether dir's file system takes names that differ only
// in case as one.
func foldsNames(dir string) bool {
	probe := filepath.Join(dir, "new-case")
	if err := writeOwn(probe, nil); err != nil {
		return false
	}
	defer os.Remove(probe)
	_, err := os.Lstat(filepath.Join(dir, "NEW-CASE"))
	return err == nil
}
