package payload

import (
	"sort"
	"strings"
)

// TreeEntries returns what is to be written: the payload's entries, or
// with copies, the same tree with every symlink replaced by what it leads to.
func TreeEntries(m *Manifest, copies bool) ([]Entry, error) {
	if !copies {
		return m.Entries, nil
	}
	var errs ErrorList
	c := linkCopier{links: m.Symlinks(), byName: make(map[string]int, len(m.Entries)), m: m, f: &errs}
	for i := range m.Entries {
		c.byName[m.Entries[i].Name] = i
	}
	for i := range m.Entries {
		e := &m.Entries[i]
		if e.IsSymlink() {
			c.copyTo(e.Name, e.Name, 0)
		} else {
			c.plan = append(c.plan, *e)
		}
	}
	if err := errs.Err(ErrManifest); err != nil {
		return nil, err
	}
	sortEntries(c.plan)
	return c.plan, nil
}

type linkCopier struct {
	m      *Manifest
	links  map[string]string
	byName map[string]int
	plan   []Entry
	f      *ErrorList
}

// copyTo adds what the symlink from leads to under the name to.
func (c *linkCopier) copyTo(to, from string, depth int) {
	final, _, loops := resolve(from, c.links)
	i, known := c.byName[final]
	if loops || !known || depth > maxLinks || c.f.more > 0 {
		c.f.Addf("%q: this system or file system has no symlinks, and %q leads to nothing that could be copied", to, from)
		return
	}
	e := c.m.Entries[i]
	e.Name = to
	c.plan = append(c.plan, e)
	if !e.IsDir() {
		return
	}
	// Entries below a folder follow it, sorted.
	start := sort.Search(len(c.m.Entries), func(k int) bool { return c.m.Entries[k].Name >= final+"/" })
	for k := start; k < len(c.m.Entries) && strings.HasPrefix(c.m.Entries[k].Name, final+"/"); k++ {
		below := c.m.Entries[k]
		name := to + strings.TrimPrefix(below.Name, final)
		if below.IsSymlink() {
			c.copyTo(name, below.Name, depth+1)
			continue
		}
		below.Name = name
		c.plan = append(c.plan, below)
	}
}
