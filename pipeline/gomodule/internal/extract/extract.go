package extract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/payload"
)

// job brings one payload into one of several places.
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

// run looks for the tree in every place before it writes to any, so that a
// start that once had to fall back finds the tree there again at once.
func (j *job) run(ctx context.Context, places []Location) (*result, error) {
	if !j.opts.VerifyAll {
		for i := range places {
			if u, ok := j.reuse(ctx, &places[i]); ok {
				return &result{loc: places[i], claim: u}, nil
			}
		}
	}
	var failed []error
	for i := range places {
		u, fresh, err := j.extract(ctx, &places[i])
		if err == nil {
			return &result{loc: places[i], claim: u, fresh: fresh}, nil
		}
		failed = append(failed, &locationError{&places[i], err})
		if !otherLocationMayHelp(ctx, err) {
			break
		}
	}
	return nil, joinErrors(failed)
}

// reuse uses the tree at p if it is complete and untouched. It writes nothing,
// and reads nothing but the marker.
func (j *job) reuse(ctx context.Context, p *Location) (*claim, bool) {
	if p.check() != nil {
		return nil, false
	}
	// The claim comes first: from here on nobody removes what the look finds.
	u, err := acquireClaim(ctx, p.usePath())
	if err != nil {
		return nil, false
	}
	if v := inspect(p, j.pl.Key); !v.good(j.pl.Key) || v.canRun(p) != nil {
		u.release()
		return nil, false
	}
	return u, true
}

// maxVanished is how often a directory may be pruned away while a start is about
// to use it, before that is an error.
const maxVanished = 100

// extract makes the tree at p complete and claims it.
func (j *job) extract(ctx context.Context, p *Location) (u *claim, fresh bool, err error) {
	for range maxVanished {
		if err = p.prepare(); err != nil {
			if errors.Is(err, osfs.ErrGone) {
				continue
			}
			if osfs.IsReadOnly(err) {
				return j.readOnly(ctx, p, err)
			}
			return nil, false, err
		}
		u, err = acquireClaim(ctx, p.usePath())
		if err == nil {
			if fresh, err = j.ensureFor(ctx, p, u); err == nil {
				return u, fresh, nil
			}
		}
		if osfs.IsReadOnly(err) {
			return j.readOnly(ctx, p, err)
		}
		if !errors.Is(err, osfs.ErrGone) && !stateVanished(p, err) {
			return nil, false, err
		}
	}
	return nil, false, fmt.Errorf("%s is removed again and again: %w", p.state(), err)
}

// ensureFor is ensure that releases the claim u unless it succeeds, also when the
// caller's start check panics.
func (j *job) ensureFor(ctx context.Context, p *Location, u *claim) (fresh bool, err error) {
	complete := false
	defer func() {
		if !complete {
			u.release()
		}
	}()
	fresh, err = j.ensure(ctx, p)
	complete = err == nil
	return fresh, err
}

// stateVanished says that the state directory went away under us.
func stateVanished(p *Location, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	_, err = os.Lstat(p.state())
	return errors.Is(err, fs.ErrNotExist)
}

// readOnly uses a tree on a read-only file system, where nothing can be
// repaired or recorded, if all of its content is right.
func (j *job) readOnly(ctx context.Context, p *Location, cause error) (*claim, bool, error) {
	if err := p.check(); err != nil {
		return nil, false, cause
	}
	if err := j.verify(ctx, p); err != nil {
		return nil, false, fmt.Errorf("%w, and what is there cannot be used: %w", cause, err)
	}
	man, err := j.pl.Manifest()
	if err == nil {
		err = osfs.CheckVolume(p.tree, 0, man.HasExecutable())
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w, and what is there cannot be used: %w", cause, err)
	}
	return nil, false, nil
}

// sharedRounds is how often a start that finds the lock taken looks again
// together with the others, before it queues for the lock itself.
const sharedRounds = 3

// ensure returns when the tree is complete. Of many starts at once one does
// the work; the others wait for a share of its lock and get it all together.
func (j *job) ensure(ctx context.Context, p *Location) (fresh bool, err error) {
	for round := 0; ; round++ {
		kind := osfs.TryExclusive
		if round >= sharedRounds || j.opts.VerifyAll {
			kind = osfs.WaitExclusive
		}
		lock, err := osfs.TakeLock(ctx, p.lockPath(), kind)
		if err != nil {
			return false, err
		}
		if lock != nil {
			defer lock.Close()
			return j.extractLocked(ctx, p)
		}
		if err := waitFor(ctx, p); err != nil {
			return false, err
		}
		if v := inspect(p, j.pl.Key); v.good(j.pl.Key) {
			return false, v.canRun(p)
		}
	}
}

// waitFor waits until nobody works at p.
func waitFor(ctx context.Context, p *Location) error {
	lock, err := osfs.TakeLock(ctx, p.lockPath(), osfs.WaitShared)
	if err != nil {
		return err
	}
	return lock.Close()
}

// extractLocked runs under the lock. It looks again, since another process may have done
// the work, and then builds or repairs.
func (j *job) extractLocked(ctx context.Context, p *Location) (fresh bool, err error) {
	v := inspect(p, j.pl.Key)
	if v.good(j.pl.Key) && !j.opts.VerifyAll {
		return false, v.canRun(p)
	}
	man, err := j.pl.Manifest()
	if err != nil {
		return false, err
	}
	sweep(p)
	if osfs.FoldsCase(p.state()) { // costs less than to look for a collision
		if a, b, found := man.CaseCollision(); found {
			return false, payload.Errorf("%q and %q are one name on this file system; extract to a case-sensitive one", a, b)
		}
	}
	copies := len(man.Symlinks()) > 0 && osfs.LacksSymlinks(p.state())
	plan, err := payload.TreeEntries(man, copies)
	if err != nil {
		return false, err
	}
	w := &builder{ctx: ctx, loc: p, plan: plan, key: j.pl.Key, copies: copies,
		from: payload.NewSource(j.pl.FS, man), check: j.opts.StartCheck}
	defer w.from.Close()
	need := int64(0)
	if !w.occupied() {
		need = man.DiskBytes()
	}
	if err := osfs.CheckVolume(p.state(), need, man.HasExecutable()); err != nil {
		return false, err
	}
	if w.occupied() {
		return w.reconcile(v, j.opts.VerifyAll)
	}
	return true, w.build()
}

// verify compares everything at p with the payload and writes nothing.
func (j *job) verify(ctx context.Context, p *Location) error {
	man, err := j.pl.Manifest()
	if err != nil {
		return err
	}
	copies := false
	if m, err := readMarker(p.markerPath()); err == nil {
		copies = m.copies
	}
	plan, err := payload.TreeEntries(man, copies)
	if err != nil {
		return err
	}
	from := payload.NewSource(j.pl.FS, man)
	defer from.Close()
	r := repairer{tree: p.tree, plan: plan, from: from}
	found, err := r.run(ctx)
	if err != nil {
		return err
	}
	return damage(p.tree, plan, found)
}
