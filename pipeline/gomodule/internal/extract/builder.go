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

// builder builds or repairs the tree of one location. It runs under the lock.
type builder struct {
	ctx      context.Context
	loc      *Location
	plan     []payload.Entry
	key      string
	copies   bool
	from     payload.Source
	check    func(dir string) error
	progress func(done, total int64)
	locked   bool // no other process builds or repairs
}

// occupied says that there is something at the path of the tree.
func (b *builder) occupied() bool {
	files, err := os.ReadDir(b.loc.tree)
	return !errors.Is(err, fs.ErrNotExist) && (err != nil || len(files) > 0)
}

// build fills a sibling directory and renames it. The marker comes last: a
// tree without one is never used as it is.
func (b *builder) build() error {
	fresh := filepath.Join(b.loc.state(), uniqueName(newPrefix))
	if err := populate(b.ctx, fresh, b.plan, b.from, newProgress(b.plan, b.progress)); err != nil {
		_ = osfs.RemoveAll(fresh)
		return err
	}
	err := os.Chmod(fresh, b.loc.mode)
	if err == nil {
		err = replaceEmpty(fresh, b.loc.tree)
	}
	if err != nil {
		_ = osfs.RemoveAll(fresh)
	}
	if err != nil && (osfs.IsOtherVolume(err) || !b.locked && b.occupied()) {
		// The caller's directory is a mount point, which stays and is filled, or without
		// locks another process was faster.
		_, err = b.reconcile(inspection{}, false)
		return err
	}
	if err != nil {
		return err
	}
	return b.startAndPublish()
}

// startAndPublish checks a tree that was just made. The marker is written
// while the check runs, since a part of that is a wait for the file system's
// clock, and appears after it.
func (b *builder) startAndPublish() error {
	var m *marker
	var failed error
	ready, published := make(chan struct{}), false
	go func() {
		defer close(ready)
		if m, failed = b.record(nil, nil); failed == nil {
			failed = m.prepare(b.loc.markerPath())
		}
	}()
	defer func() {
		if !published { // also when the check panics, while the lock is held
			<-ready
			m.abandon()
		}
	}()
	err := b.start()
	<-ready
	if err != nil {
		if b.ctx.Err() == nil && b.locked {
			_ = discard(b.loc) // without a marker nobody uses it yet
		}
		return err
	}
	if failed != nil {
		return failed
	}
	published = true
	return m.commit(b.loc.markerPath())
}

// replaceEmpty renames a directory to a path that may be an empty one.
func replaceEmpty(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return osfs.Rename(from, to)
}

// reconcile compares the files that are there with the plan and replaces those that
// differ. Only suspects are read, unless everything is asked for.
func (b *builder) reconcile(seen inspection, everything bool) (fresh bool, err error) {
	if seen.marker != nil && seen.marker.copies != b.copies {
		seen = inspection{}
	}
	if seen.marker != nil && seen.marker.key != b.key {
		if err := b.removeOther(seen.marker.entries); err != nil {
			return false, err
		}
	}
	only, all := seen.suspect(b.key)
	if all || everything {
		only = nil
	}
	if err := b.loc.fixMode(); err != nil {
		return false, err
	}
	before := b.stamps()
	if only != nil {
		for _, e := range seen.marker.entries {
			if only[e.name] {
				continue
			}
			stat := e.FileStat // the inspection was sure of these
			if e.name == "." {
				stat.Mode = before["."].Mode // fixMode may have changed it
			}
			before[e.name] = stat
		}
	}
	found, err := b.repair(only)
	if err != nil {
		return false, err
	}
	if len(found) > 0 || seen.marker == nil || seen.marker.key != b.key {
		// If the check fails, panics or is killed, the next start asks again.
		// Others may be using the tree, and some of it may be the caller's: it
		// stays.
		_ = os.Remove(b.loc.markerPath())
		seen.marker = nil
		if err := b.start(); err != nil {
			return false, err
		}
		fresh = true
	}
	return fresh, b.publish(seen.marker, before, found)
}

// repair compares first, and writes only if something differs.
func (b *builder) repair(only map[string]bool) (map[string]string, error) {
	if err := osfs.MkdirAll(b.loc.tree, b.loc.mode); err != nil {
		return nil, err
	}
	sweep(b.loc.tree, b.locked, stageName)
	stage := stageName
	if !b.locked {
		stage = uniqueName(stageName + "-")
	}
	look := repairer{tree: b.loc.tree, plan: b.plan, only: only, from: b.from}
	found, err := look.run(b.ctx)
	if err != nil || len(found) == 0 {
		return found, err
	}
	fix := repairer{tree: b.loc.tree, plan: b.plan, only: b.below(found), from: b.from,
		fix: true, stage: stage, aside: b.loc.state()}
	repaired, err := fix.run(b.ctx)
	for name, what := range repaired {
		found[name] = what
	}
	return found, osfs.InUseError(err, b.loc.programDirs()...)
}

// below adds to the names that differ everything in folders that differ: a
// folder may have been reached through a symlink until now.
func (b *builder) below(found map[string]string) map[string]bool {
	names := make(map[string]bool, len(found))
	for name := range found {
		names[name] = true
	}
	for i := range b.plan { // sorted: a folder comes before what is in it
		if e := &b.plan[i]; !names[e.Name] && names[payload.ParentDir(e.Name)] {
			names[e.Name] = true
		}
	}
	return names
}

// removeOther removes what another payload has put into a directory that is
// used for one after the other. Files that no payload has put there stay.
func (b *builder) removeOther(entries []markerEntry) error {
	keep := make(map[string]bool, len(b.plan))
	for i := range b.plan {
		keep[b.plan[i].Name] = true
	}
	return removeEntries(b.loc, entries, keep)
}

// start runs the caller's check. One that the context has cut short says
// nothing about the tree.
func (b *builder) start() error {
	if b.check == nil {
		return nil
	}
	err := b.check(b.loc.tree)
	if err == nil {
		return nil
	}
	if cut := b.ctx.Err(); cut != nil {
		return fmt.Errorf("%w: %w", cut, err)
	}
	return &startError{err}
}

// stat looks at every entry of the plan, and at the tree's own folder, which comes first.
// known is false for those that cannot be looked at.
func (b *builder) stat() (stats []osfs.FileStat, known []bool) {
	stats, known = make([]osfs.FileStat, len(b.plan)+1), make([]bool, len(b.plan)+1)
	osfs.LstatAll(b.loc.tree, len(stats), b.name, func(i int, s osfs.FileStat, err error) {
		stats[i], known[i] = s, err == nil
	})
	return stats, known
}

// stamps returns the present FileStat of every name, without those that cannot be looked at.
func (b *builder) stamps() map[string]osfs.FileStat {
	stats, known := b.stat()
	m := make(map[string]osfs.FileStat, len(stats))
	for i, s := range stats {
		if known[i] {
			m[b.name(i)] = s
		}
	}
	return m
}

func (b *builder) name(i int) string {
	if i == 0 {
		return "."
	}
	return b.plan[i-1].Name
}

// publish writes the marker if it differs from the old one.
func (b *builder) publish(old *marker, before map[string]osfs.FileStat, found map[string]string) error {
	m, err := b.record(before, found)
	if err != nil || old != nil && m.equal(old) {
		return err
	}
	return m.publish(b.loc.markerPath())
}

// record makes the marker of the tree as it is. What was only read keeps the
// FileStat it had before reading, so that the next start sees a change meanwhile.
func (b *builder) record(before map[string]osfs.FileStat, found map[string]string) (*marker, error) {
	m := &marker{key: b.key, boot: osfs.BootID(), copies: b.copies, entries: make([]markerEntry, len(b.plan)+1)}
	after, known := b.stat()
	for i := range m.entries {
		name, s := b.name(i), after[i]
		if !known[i] {
			return nil, fmt.Errorf("%s: %s went away while it was checked", b.loc.tree, name)
		}
		if b, ok := before[name]; ok && found[name] == "" {
			s = b
		}
		m.entries[i] = markerEntry{name: name, dir: i == 0 || b.plan[i-1].IsDir(), FileStat: s}
	}
	return m, nil
}
