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

// job brings one payload into one of several locations.
type job struct {
	pl   *payload.Payload
	opts *Options
}

// result is where a job ended.
type result struct {
	loc   Location
	claim *claim
	fresh bool // this job wrote files
}

// run looks for the tree in every location before it writes to any, so that a
// start that once had to fall back finds the tree there again at once.
func (j *job) run(ctx context.Context, locs []Location) (*result, error) {
	if !j.opts.VerifyAll {
		for i := range locs {
			if c, ok := j.reuse(ctx, &locs[i]); ok {
				return &result{loc: locs[i], claim: c}, nil
			}
		}
	}
	var failed []error
	for i := range locs {
		c, fresh, err := j.extract(ctx, &locs[i])
		if err == nil {
			return &result{loc: locs[i], claim: c, fresh: fresh}, nil
		}
		failed = append(failed, &locationError{&locs[i], err})
		if !otherLocationMayHelp(ctx, err) {
			break
		}
	}
	return nil, joinErrors(failed)
}

// reuse claims the tree at loc if it is complete and untouched. It writes nothing,
// and reads nothing but the marker.
func (j *job) reuse(ctx context.Context, loc *Location) (*claim, bool) {
	if loc.check() != nil {
		return nil, false
	}
	// The claim comes first: from here on nobody removes what inspect finds.
	c, err := acquireClaim(ctx, loc.usePath())
	if err != nil {
		return nil, false
	}
	if c.holdTree(ctx, loc.tree) != nil {
		c.release()
		return nil, false
	}
	if seen := inspect(loc, j.pl.Key); !seen.fits(loc, j.pl.Key) || seen.canRun(loc) != nil {
		c.release()
		return nil, false
	}
	return c, true
}

// maxVanished is how often a directory may be pruned away while a start is about
// to use it, before that is an error.
const maxVanished = 100

// extract makes the tree at loc complete and claims it.
func (j *job) extract(ctx context.Context, loc *Location) (c *claim, fresh bool, err error) {
	for range maxVanished {
		if err = loc.prepare(); err != nil {
			if errors.Is(err, osfs.ErrGone) {
				continue
			}
			if osfs.IsReadOnly(err) || loc.isOfRoot() {
				return j.readOnly(ctx, loc, err)
			}
			return nil, false, err
		}
		c, err = acquireClaim(ctx, loc.usePath())
		if err == nil {
			if fresh, err = j.ensureFor(ctx, loc, c); err == nil {
				_ = c.holdTree(ctx, loc.tree) // without it, all that can happen is a repair
				return c, fresh, nil
			}
		}
		if osfs.IsReadOnly(err) {
			return j.readOnly(ctx, loc, err)
		}
		if !errors.Is(err, osfs.ErrGone) && !stateVanished(loc, err) {
			if isMissing(loc.tree) {
				_, _ = removeUnused(ctx, loc, nil) // an empty state directory
			}
			return nil, false, err
		}
	}
	return nil, false, fmt.Errorf("%s is removed again and again: %w", loc.state(), err)
}

// ensureFor is ensure that releases the claim unless it succeeds, also when the
// caller's start check panics.
func (j *job) ensureFor(ctx context.Context, loc *Location, c *claim) (fresh bool, err error) {
	complete := false
	defer func() {
		if !complete {
			c.release()
		}
	}()
	fresh, err = j.ensure(ctx, loc)
	complete = err == nil
	return fresh, err
}

// isMissing says that there is nothing at path.
func isMissing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// stateVanished says that the state directory went away under us.
func stateVanished(loc *Location, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	return isMissing(loc.state())
}

// readOnly uses a tree that cannot be written, because of its file system or because it
// is root's, if all of its content is right. Nothing can be repaired or recorded there.
func (j *job) readOnly(ctx context.Context, loc *Location, cause error) (*claim, bool, error) {
	if err := loc.check(); err != nil && !loc.isOfRoot() {
		return nil, false, cause
	}
	c, err := acquireTree(ctx, loc.tree)
	if err == nil {
		if err = j.verifyToRun(ctx, loc); err == nil {
			return c, false, nil
		}
		c.release()
	}
	return nil, false, fmt.Errorf("%w, and what is there cannot be used: %w", cause, err)
}

// verifyToRun is verify for a tree whose programs are to be run.
func (j *job) verifyToRun(ctx context.Context, loc *Location) error {
	if err := j.verify(ctx, loc); err != nil {
		return err
	}
	if loc.isOfRoot() {
		if err := loc.checkAll(); err != nil {
			return err
		}
	}
	man, err := j.pl.Manifest()
	if err != nil {
		return err
	}
	return osfs.CheckVolume(loc.tree, 0, man.HasExecutable())
}

// sharedRounds is how often a start that finds the lock taken looks again
// together with the others, before it queues for the lock itself.
const sharedRounds = 3

// ensure returns when the tree is complete. Of many starts at once one does
// the work; the others wait for a share of its lock and get it all together.
func (j *job) ensure(ctx context.Context, loc *Location) (fresh bool, err error) {
	look := inspect
	// A marker alone may be missing because of a repair, which began before this start. A tree
	// alone may be missing where a cleaner of temp dirs has left the marker.
	if isMissing(loc.markerPath()) && isMissing(loc.tree) {
		look = inspectNew
	}
	for round := 0; ; round++ {
		kind := osfs.TryExclusive
		if round >= sharedRounds || j.opts.VerifyAll {
			kind = osfs.WaitExclusive
		}
		lock, err := osfs.TakeLock(ctx, loc.lockPath(), kind)
		if err != nil {
			return false, err
		}
		if lock != nil {
			defer lock.Close()
			return j.extractLocked(ctx, loc, lock.Enforced())
		}
		if err := waitFor(ctx, loc); err != nil {
			return false, err
		}
		if seen := look(loc, j.pl.Key); seen.fits(loc, j.pl.Key) {
			return false, seen.canRun(loc)
		}
	}
}

// waitFor waits until nobody extracts or repairs at loc.
func waitFor(ctx context.Context, loc *Location) error {
	lock, err := osfs.TakeLock(ctx, loc.lockPath(), osfs.WaitShared)
	if err != nil {
		return err
	}
	return lock.Close()
}

// extractLocked builds or repairs under the lock, unless another process has done it
// meanwhile. Where there are no locks, several processes may be here at a time: each
// builds a tree of its own, and the first rename wins.
func (j *job) extractLocked(ctx context.Context, loc *Location, locked bool) (fresh bool, err error) {
	seen := inspect(loc, j.pl.Key)
	if seen.fits(loc, j.pl.Key) && !j.opts.VerifyAll {
		return false, seen.canRun(loc)
	}
	man, err := j.pl.Manifest()
	if err != nil {
		return false, err
	}
	sweep(loc.state(), locked, newPrefix, oldPrefix)
	if osfs.FoldsCase(loc.state()) { // costs less than to look for a collision
		if a, b, found := man.CaseCollision(); found {
			return false, payload.Errorf("%q and %q are one name on this file system; extract to a case-sensitive one", a, b)
		}
	}
	copies := len(man.Symlinks()) > 0 && osfs.LacksSymlinks(loc.state())
	plan, err := payload.TreeEntries(man, copies)
	if err != nil {
		return false, err
	}
	b := &builder{ctx: ctx, loc: loc, plan: plan, key: j.pl.Key, copies: copies,
		from: payload.NewSource(j.pl.FS, man), check: j.opts.StartCheck, progress: j.opts.Progress, locked: locked}
	defer b.from.Close()
	need, occupied := int64(0), b.occupied()
	if !occupied {
		need = man.DiskBytes()
	}
	if err := osfs.CheckVolume(loc.state(), need, man.HasExecutable()); err != nil {
		return false, err
	}
	if occupied {
		return b.reconcile(seen, j.opts.VerifyAll)
	}
	return true, b.build()
}

// hasCopies says that the tree at loc has copies in the place of symlinks. Users who may
// only read a tree cannot read its marker, but see it.
func hasCopies(loc *Location, man *payload.Manifest) bool {
	if m, err := readMarker(loc.markerPath()); err == nil {
		return m.copies
	}
	for link := range man.Symlinks() {
		st, err := os.Lstat(filepath.Join(loc.tree, filepath.FromSlash(link)))
		return err == nil && st.Mode()&fs.ModeSymlink == 0
	}
	return false
}

// verify compares everything at loc with the payload and writes nothing.
func (j *job) verify(ctx context.Context, loc *Location) error {
	man, err := j.pl.Manifest()
	if err != nil {
		return err
	}
	plan, err := payload.TreeEntries(man, hasCopies(loc, man))
	if err != nil {
		return err
	}
	from := payload.NewSource(j.pl.FS, man)
	defer from.Close()
	r := repairer{tree: loc.tree, plan: plan, from: from}
	found, err := r.run(ctx)
	if err != nil {
		return err
	}
	return damage(loc.tree, plan, found)
}
