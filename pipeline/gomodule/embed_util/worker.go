package embed_util

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// worker builds or mends the tree of one place. It runs under the lock.
type worker struct {
	ctx    context.Context
	place  *place
	plan   []entry
	key    string
	copies bool
	from   contents
	check  func(dir string) error
}

// occupied says that something stands where the tree belongs.
func (w *worker) occupied() bool {
	files, err := os.ReadDir(w.place.tree)
	return !errors.Is(err, fs.ErrNotExist) && (err != nil || len(files) > 0)
}

// build fills a sibling directory and renames it. The marker comes last: a
// tree without one is never used as it is.
func (w *worker) build() error {
	fresh := filepath.Join(w.place.state(), uniqueName(newPrefix))
	if err := fill(w.ctx, fresh, w.plan, w.from); err != nil {
		_ = removeAll(fresh)
		return err
	}
	err := replaceEmpty(fresh, w.place.tree)
	if err != nil {
		_ = removeAll(fresh)
	}
	if err != nil && otherVolume(err) {
		// The caller's directory is a mount point: it stays, and is filled.
		_, err = w.mend(view{}, false)
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
func (w *worker) startAndPublish() error {
	var m *marker
	var failed error
	ready, published := make(chan struct{}), false
	go func() {
		defer close(ready)
		if m, failed = w.record(nil, nil); failed == nil {
			failed = m.prepare(w.place.markerPath())
		}
	}()
	defer func() {
		if !published { // also when the check panics: nobody works here without the lock
			<-ready
			unprepare(w.place.markerPath())
		}
	}()
	err := w.start()
	<-ready
	if err != nil {
		if w.ctx.Err() == nil {
			_ = discard(w.place) // without a marker nobody uses it yet
		}
		return err
	}
	if failed != nil {
		return failed
	}
	published = true
	return m.commit(w.place.markerPath())
}

// replaceEmpty renames a directory to where an empty one may stand.
func replaceEmpty(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return renameRetry(from, to)
}

// mend compares what stands there with the plan and replaces what differs.
// Only what the view suspects is read, unless everything is asked for.
func (w *worker) mend(v view, everything bool) (fresh bool, err error) {
	if v.marker != nil && v.marker.copies != w.copies {
		v = view{}
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
	if err := w.place.fixMode(); err != nil {
		return false, err
	}
	before := w.stamps()
	if only != nil {
		for _, e := range v.marker.entries {
			if !only[e.name] {
				before[e.name] = e.stamp // what the view was sure of
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
		_ = os.Remove(w.place.markerPath())
		v.marker = nil
		if err := w.start(); err != nil {
			return false, err
		}
		fresh = true
	}
	return fresh, w.publish(v.marker, before, found)
}

// repair looks first and writes only if there is something to mend.
func (w *worker) repair(only map[string]bool) (map[string]string, error) {
	if err := makeAll(w.place.tree); err != nil {
		return nil, err
	}
	_ = removeAll(filepath.Join(w.place.tree, stageName))
	look := repairer{tree: w.place.tree, plan: w.plan, only: only, from: w.from}
	found, err := look.run(w.ctx)
	if err != nil || len(found) == 0 {
		return found, err
	}
	fix := repairer{tree: w.place.tree, plan: w.plan, only: w.below(found), from: w.from,
		fix: true, aside: w.place.state()}
	mended, err := fix.run(w.ctx)
	for name, what := range mended {
		found[name] = what
	}
	return found, inUseError(err, w.place.tree)
}

// below adds to the names that differ everything in folders that differ: a
// folder may have been reached through a symlink until now.
func (w *worker) below(found map[string]string) map[string]bool {
	names := make(map[string]bool, len(found))
	for name := range found {
		names[name] = true
	}
	for i := range w.plan { // sorted: a folder comes before what is in it
		if e := &w.plan[i]; !names[e.name] && names[parentOf(e.name)] {
			names[e.name] = true
		}
	}
	return names
}

// removeOther removes what another payload has put into a directory that is
// used for one after the other. Files that no payload has put there stay.
func (w *worker) removeOther(entries []markerEntry) error {
	keep := make(map[string]bool, len(w.plan))
	for i := range w.plan {
		keep[w.plan[i].name] = true
	}
	return removeEntries(w.place, entries, keep)
}

// removeEntries removes files of a payload, Python's caches beside them, and
// folders that are empty then. It goes through no symlink to elsewhere. The file
// of a running program is moved to the state directory if Windows keeps it; for
// any other open file the error matches ErrInUse.
func removeEntries(p *place, entries []markerEntry, keep map[string]bool) error {
	root, err := os.OpenRoot(p.tree)
	if err != nil {
		return nil
	}
	defer root.Close()
	aside := filepath.Join(p.state(), uniqueName(oldPrefix)+"-")
	var inUse error
	for i := len(entries) - 1; i >= 0; i-- { // what is in a folder comes first
		e := &entries[i]
		if keep[e.name] || e.name == "." || checkName(e.name) != nil {
			continue
		}
		if e.dir {
			removeCaches(root, filepath.Join(fromSlash(e.name), "__pycache__"))
		}
		err := removeOver(root, fromSlash(e.name), aside+strconv.Itoa(i))
		if inUse == nil && isInUse(err) {
			inUse = err
		}
	}
	return inUseError(inUse, p.tree)
}

// removeCaches removes a folder with the files in it.
func removeCaches(root *os.Root, name string) {
	dir, err := root.Open(name)
	if err != nil {
		return
	}
	files, _ := dir.Readdirnames(-1)
	dir.Close()
	for _, f := range files {
		_ = root.Remove(filepath.Join(name, f))
	}
	_ = root.Remove(name)
}

// start runs the caller's check. One that the context has cut short says
// nothing about the tree.
func (w *worker) start() error {
	if w.check == nil {
		return nil
	}
	err := w.check(w.place.tree)
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
func (w *worker) stamps() map[string]stamp {
	list := make([]*stamp, len(w.plan)+1)
	stampAll(w.place.tree, len(list), w.name, func(i int, s stamp, err error) {
		if err == nil {
			list[i] = &s
		}
	})
	m := make(map[string]stamp, len(list))
	for i, s := range list {
		if s != nil {
			m[w.name(i)] = *s
		}
	}
	return m
}

func (w *worker) name(i int) string {
	if i == 0 {
		return "."
	}
	return w.plan[i-1].name
}

// publish writes the marker if it differs from the old one.
func (w *worker) publish(old *marker, before map[string]stamp, found map[string]string) error {
	m, err := w.record(before, found)
	if err != nil || old != nil && m.equal(old) {
		return err
	}
	return m.publish(w.place.markerPath())
}

// record makes the marker of the tree as it is. What was only read keeps the
// stamp it had before reading, so that a change meanwhile is seen at the next
// start.
func (w *worker) record(before map[string]stamp, found map[string]string) (*marker, error) {
	m := &marker{key: w.key, boot: bootID(), copies: w.copies, entries: make([]markerEntry, len(w.plan)+1)}
	after := w.stamps()
	for i := range m.entries {
		name := w.name(i)
		s, ok := after[name]
		if !ok {
			return nil, fmt.Errorf("%s: %s went away while it was checked", w.place.tree, name)
		}
		if b, ok := before[name]; ok && found[name] == "" {
			s = b
		}
		m.entries[i] = markerEntry{name: name, dir: i == 0 || w.plan[i-1].isDir(), stamp: s}
	}
	return m, nil
}

// discard takes a tree away in one step and then removes it. The caller holds
// the lock. On Windows the files of a tree that programs run from stay, and the
// error matches ErrInUse.
func discard(p *place) error {
	if err := checkNotRunning(p.tree); err != nil {
		return err
	}
	_ = os.Remove(p.markerPath())
	old := filepath.Join(p.state(), uniqueName(oldPrefix))
	err := renameRetry(p.tree, old)
	if isInUse(err) {
		return inUseError(err, p.tree)
	}
	if err != nil {
		old = p.tree
	}
	return inUseError(removeAll(old), p.tree)
}

// hasHash says whether name is prefix followed by a directory's hash.
func hasHash(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok || len(rest) != hashLen {
		return false
	}
	return strings.Trim(rest, "0123456789abcdef") == ""
}
