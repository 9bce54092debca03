package extract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/payload"
)

// builder builds or mends the tree of one place. It runs under the lock.
type builder struct {
	ctx    context.Context
	loc    *Location
	plan   []payload.Entry
	key    string
	copies bool
	from   payload.Source
	check  func(dir string) error
}

// occupied says that something stands where the tree belongs.
func (w *builder) occupied() bool {
	files, err := os.ReadDir(w.loc.tree)
	return !errors.Is(err, fs.ErrNotExist) && (err != nil || len(files) > 0)
}

// build fills a sibling directory and renames it. The marker comes last: a
// tree without one is never used as it is.
func (w *builder) build() error {
	fresh := filepath.Join(w.loc.state(), uniqueName(newPrefix))
	if err := populate(w.ctx, fresh, w.plan, w.from); err != nil {
		_ = osfs.RemoveAll(fresh)
		return err
	}
	err := replaceEmpty(fresh, w.loc.tree)
	if err != nil {
		_ = osfs.RemoveAll(fresh)
	}
	if err != nil && osfs.IsOtherVolume(err) {
		// The caller's directory is a mount point: it stays, and is filled.
		_, err = w.reconcile(inspection{}, false)
		return err
	}
	if err != nil {
		return err
	}
	return w.startAndPublish()
}

// startAndPublish checks a tree that was just made. The marker is written
// while the check runs, since a part of that is a wait for the file system's
// clock, and appears after it.
func (w *builder) startAndPublish() error {
	var m *marker
	var failed error
	ready, published := make(chan struct{}), false
	go func() {
		defer close(ready)
		if m, failed = w.record(nil, nil); failed == nil {
			failed = m.prepare(w.loc.markerPath())
		}
	}()
	defer func() {
		if !published { // also when the check panics: nobody works here without the lock
			<-ready
			removePrepared(w.loc.markerPath())
		}
	}()
	err := w.start()
	<-ready
	if err != nil {
		if w.ctx.Err() == nil {
			_ = discard(w.loc) // without a marker nobody uses it yet
		}
		return err
	}
	if failed != nil {
		return failed
	}
	published = true
	return m.commit(w.loc.markerPath())
}

// replaceEmpty renames a directory to where an empty one may stand.
func replaceEmpty(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return osfs.Rename(from, to)
}

// reconcile compares what stands there with the plan and replaces what differs.
// Only what the view suspects is read, unless everything is asked for.
func (w *builder) reconcile(v inspection, everything bool) (fresh bool, err error) {
	if v.marker != nil && v.marker.copies != w.copies {
		v = inspection{}
	}
	if v.marker != nil && v.marker.key != w.key {
		if err := w.removeOther(v.marker.entries); err != nil {
			return false, err
		}
	}
	only, all := v.suspect(w.key)
	if all || everything {
		only = nil
	}
	if err := w.loc.fixMode(); err != nil {
		return false, err
	}
	before := w.stamps()
	if only != nil {
		for _, e := range v.marker.entries {
			if !only[e.name] {
				before[e.name] = e.FileStat // what the view was sure of
			}
		}
	}
	found, err := w.repair(only)
	if err != nil {
		return false, err
	}
	if len(found) > 0 || v.marker == nil || v.marker.key != w.key {
		// If the check fails, panics or is killed, the next start asks again.
		// Others may be using the tree, and some of it may be the caller's: it
		// stays.
		_ = os.Remove(w.loc.markerPath())
		v.marker = nil
		if err := w.start(); err != nil {
			return false, err
		}
		fresh = true
	}
	return fresh, w.publish(v.marker, before, found)
}

// repair looks first and writes only if there is something to mend.
func (w *builder) repair(only map[string]bool) (map[string]string, error) {
	if err := osfs.MkdirAllPrivate(w.loc.tree); err != nil {
		return nil, err
	}
	_ = osfs.RemoveAll(filepath.Join(w.loc.tree, stageName))
	look := repairer{tree: w.loc.tree, plan: w.plan, only: only, from: w.from}
	found, err := look.run(w.ctx)
	if err != nil || len(found) == 0 {
		return found, err
	}
	fix := repairer{tree: w.loc.tree, plan: w.plan, only: w.below(found), from: w.from,
		fix: true, aside: w.loc.state()}
	mended, err := fix.run(w.ctx)
	for name, what := range mended {
		found[name] = what
	}
	return found, osfs.InUseError(err, w.loc.tree, w.loc.state())
}

// below adds to the names that differ everything in folders that differ: a
// folder may have been reached through a symlink until now.
func (w *builder) below(found map[string]string) map[string]bool {
	names := make(map[string]bool, len(found))
	for name := range found {
		names[name] = true
	}
	for i := range w.plan { // sorted: a folder comes before what is in it
		if e := &w.plan[i]; !names[e.Name] && names[payload.ParentDir(e.Name)] {
			names[e.Name] = true
		}
	}
	return names
}

// removeOther removes what another payload has put into a directory that is
// used for one after the other. Files that no payload has put there stay.
func (w *builder) removeOther(entries []markerEntry) error {
	keep := make(map[string]bool, len(w.plan))
	for i := range w.plan {
		keep[w.plan[i].Name] = true
	}
	return removeEntries(w.loc, entries, keep)
}

// start runs the caller's check. One that the context has cut short says
// nothing about the tree.
func (w *builder) start() error {
	if w.check == nil {
		return nil
	}
	err := w.check(w.loc.tree)
	if err == nil {
		return nil
	}
	if cut := w.ctx.Err(); cut != nil {
		return fmt.Errorf("%w: %w", cut, err)
	}
	return &startError{err}
}

// stamps records how every entry of the plan looks now; those that cannot be
// looked at are left out.
func (w *builder) stamps() map[string]osfs.FileStat {
	list := make([]*osfs.FileStat, len(w.plan)+1)
	osfs.LstatAll(w.loc.tree, len(list), w.name, func(i int, s osfs.FileStat, err error) {
		if err == nil {
			list[i] = &s
		}
	})
	m := make(map[string]osfs.FileStat, len(list))
	for i, s := range list {
		if s != nil {
			m[w.name(i)] = *s
		}
	}
	return m
}

func (w *builder) name(i int) string {
	if i == 0 {
		return "."
	}
	return w.plan[i-1].Name
}

// publish writes the marker if it differs from the old one.
func (w *builder) publish(old *marker, before map[string]osfs.FileStat, found map[string]string) error {
	m, err := w.record(before, found)
	if err != nil || old != nil && m.equal(old) {
		return err
	}
	return m.publish(w.loc.markerPath())
}

// record makes the marker of the tree as it is. What was only read keeps the
// stamp it had before reading, so that a change meanwhile is seen at the next
// start.
func (w *builder) record(before map[string]osfs.FileStat, found map[string]string) (*marker, error) {
	m := &marker{key: w.key, boot: osfs.BootID(), copies: w.copies, entries: make([]markerEntry, len(w.plan)+1)}
	after := w.stamps()
	for i := range m.entries {
		name := w.name(i)
		s, ok := after[name]
		if !ok {
			return nil, fmt.Errorf("%s: %s went away while it was checked", w.loc.tree, name)
		}
		if b, ok := before[name]; ok && found[name] == "" {
			s = b
		}
		m.entries[i] = markerEntry{name: name, dir: i == 0 || w.plan[i-1].IsDir(), FileStat: s}
	}
	return m, nil
}
