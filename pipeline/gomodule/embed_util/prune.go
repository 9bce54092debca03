package embed_util

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// pruneAll removes the trees of other keys beside p that were last used more
// than maxAge ago and that no process holds a claim on.
func pruneAll(ctx context.Context, p *place, maxAge time.Duration) (removed []string, err error) {
	if p.pat == "" {
		return nil, nil
	}
	if checkParents(p.base, p.root == "") != nil || p.root != "" && checkPrivate(p.root) != nil {
		return nil, nil // nothing was ever extracted there
	}
	folder, prefix := filepath.Split(p.pat)
	files, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("embed_util: prune: %w", err)
	}
	var failed []error
	for _, f := range files {
		name, isState := strings.CutSuffix(f.Name(), stateSuffix)
		if !isState || !hasHash(name, prefix) {
			continue
		}
		other := place{what: p.what, root: p.root, base: p.base, tree: filepath.Join(folder, name), pat: p.pat}
		if other.tree == p.tree || checkPrivate(other.state()) != nil {
			continue
		}
		if time.Since(lastUse(&other)) < maxAge {
			continue
		}
		gone, err := removeUnused(ctx, &other, nil)
		if err != nil {
			failed = append(failed, fmt.Errorf("embed_util: prune: %w", err))
		}
		if gone {
			removed = append(removed, other.tree)
		}
	}
	return removed, errors.Join(failed...)
}

// lastUse is when a tree was used last. Where a cleaner of temp dirs has
// removed the file that tells, it is when the tree was extracted or repaired.
func lastUse(p *place) time.Time {
	for _, path := range []string{p.usePath(), p.markerPath(), p.state()} {
		if st, err := os.Lstat(path); err == nil {
			return st.ModTime()
		}
	}
	return time.Time{}
}

// removeUnused removes a tree and its state directory, unless a process uses
// or extracts it. From a directory that the caller named it takes the entries
// only, and the directory if nothing else is in it. It reports whether there was
// a tree that is now gone.
func removeUnused(ctx context.Context, p *place, entries []markerEntry) (bool, error) {
	lock, ok := lockIf(ctx, p.lockPath())
	if !ok {
		return false, nil
	}
	defer lock.Close()
	users, ok := lockIf(ctx, p.usePath())
	if !ok {
		return false, nil
	}
	defer users.Close()
	dir, err := lockDir(ctx, p.state(), tryExclusive)
	if err != nil {
		return false, nil
	}
	defer dir.Close()
	_, err = os.Lstat(p.tree)
	existed := err == nil
	if err := removeTree(p, entries); err != nil {
		return false, err
	}
	sweep(p)
	unprepare(p.markerPath())
	// Processes that wait for these locks notice that the files are gone and make
	// the directory anew. The directory stays if one of them has been faster.
	users.closeAndRemove()
	lock.closeAndRemove()
	_ = os.Remove(p.state())
	return existed, nil
}

// removeTree removes what removeUnused has locked.
func removeTree(p *place, entries []markerEntry) error {
	err := p.checkTree()
	switch {
	case p.pat != "" && err == nil:
		err = discard(p)
	case p.pat == "" && err == nil:
		if err = removeEntries(p, entries, nil); err == nil {
			_ = os.Remove(p.tree)
		}
	}
	if err != nil {
		return fmt.Errorf("%s could not be removed: %w", p.tree, err)
	}
	_ = os.Remove(p.markerPath())
	return nil
}
