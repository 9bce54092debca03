package extract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goempy/goempy/internal/osfs"
)

// pruneAll removes the trees of other keys beside loc that were last used more
// than maxAge ago and that no process holds a claim on.
func pruneAll(ctx context.Context, loc *Location, maxAge time.Duration) (removed []string, err error) {
	if loc.prefix == "" {
		return nil, nil
	}
	if loc.err != nil || checkParents(loc.base, loc.trust) != nil || loc.root != "" && checkPrivate(loc.root) != nil {
		return nil, nil // nothing was ever extracted there
	}
	folder, prefix := filepath.Split(loc.prefix)
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
		other := Location{kind: loc.kind, root: loc.root, base: loc.base, tree: filepath.Join(folder, name), prefix: loc.prefix, trust: loc.trust}
		if other.tree == loc.tree || checkPrivate(other.state()) != nil {
			continue
		}
		if time.Since(lastUse(&other)) < maxAge {
			continue
		}
		gone, err := removeUnused(ctx, &other, nil)
		if err != nil && !errors.Is(err, osfs.ErrInUse) { // a later Prune removes it
			failed = append(failed, fmt.Errorf("embed_util: prune: %w", err))
		}
		if gone {
			removed = append(removed, other.tree)
		}
	}
	return removed, errors.Join(failed...)
}

// lastUse is when a tree was used last. Where a cleaner of temp dirs has
// removed the file of the last use, it is when the tree was extracted or repaired.
func lastUse(loc *Location) time.Time {
	for _, path := range []string{loc.usePath(), loc.markerPath(), loc.state()} {
		if st, err := os.Lstat(path); err == nil {
			return st.ModTime()
		}
	}
	return time.Time{}
}
