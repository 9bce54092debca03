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

// job brings one payload into one of several places.
type job struct {
	pl   *payload
	opts *options
}

// result is where a job ended.
type result struct {
	place place
	use   *use
	fresh bool // this job wrote files
}

// run looks for the tree in every place before it writes to any, so that a
// start that once had to fall back finds the tree there again at once.
func (j *job) run(ctx context.Context, places []place) (*result, error) {
	if j.opts.verify != VerifyFull {
		for i := range places {
			if u, ok := j.warm(ctx, &places[i]); ok {
				return &result{place: places[i], use: u}, nil
			}
		}
	}
	var failed []error
	for i := range places {
		u, fresh, err := j.extract(ctx, &places[i])
		if err == nil {
			return &result{place: places[i], use: u, fresh: fresh}, nil
		}
		failed = append(failed, &placeError{&places[i], err})
		if !otherPlaceMayHelp(ctx, err) {
			break
		}
	}
	return nil, joinPlaces(failed)
}

// joinPlaces tells in one sentence what every place had against it.
func joinPlaces(errs []error) error {
	switch len(errs) {
	case 0:
		return errors.New("embed_util: there is no directory to extract to")
	case 1:
		return fmt.Errorf("embed_util: %w", errs[0])
	}
	verbs := strings.Repeat("; and %w", len(errs)-1)
	args := make([]any, len(errs))
	for i, err := range errs {
		args[i] = err
	}
	return fmt.Errorf("embed_util: %w"+verbs, args...)
}

// otherPlaceMayHelp tells troubles of a place from those of the payload.
func otherPlaceMayHelp(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, ErrManifest) {
		return false
	}
	var start *startError
	if errors.As(err, &start) {
		return errors.Is(err, fs.ErrPermission)
	}
	return true
}

// startError is a failure of the caller's start check.
type startError struct{ err error }

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

// warm uses the tree at p if it is complete and untouched. It writes nothing,
// and reads nothing but the marker.
func (j *job) warm(ctx context.Context, p *place) (*use, bool) {
	if p.check() != nil {
		return nil, false
	}
	// The claim comes first: from here on nobody removes what the look finds.
	u, err := claim(ctx, p.usePath())
	if err != nil {
		return nil, false
	}
	if v := lookAt(p, j.pl.key); !v.good(j.pl.key) || v.runs(p) != nil {
		u.release()
		return nil, false
	}
	return u, true
}

// maxGone is how often a directory may be pruned away while a start is about
// to use it, before that is an error.
const maxGone = 100

// extract makes the tree at p complete and claims it.
func (j *job) extract(ctx context.Context, p *place) (u *use, fresh bool, err error) {
	for range maxGone {
		if err = p.prepare(); err != nil {
			if errors.Is(err, errGone) {
				continue
			}
			if isReadOnly(err) {
				return j.readOnly(ctx, p, err)
			}
			return nil, false, err
		}
		u, err = claim(ctx, p.usePath())
		if err == nil {
			if fresh, err = j.ensureFor(ctx, p, u); err == nil {
				return u, fresh, nil
			}
		}
		if isReadOnly(err) {
			return j.readOnly(ctx, p, err)
		}
		if !errors.Is(err, errGone) && !goneMeanwhile(p, err) {
			return nil, false, err
		}
	}
	return nil, false, fmt.Errorf("%s is removed again and again: %w", p.state(), err)
}

// ensureFor is ensure that releases the claim u unless it succeeds, also when the
// caller's start check panics.
func (j *job) ensureFor(ctx context.Context, p *place, u *use) (fresh bool, err error) {
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

// goneMeanwhile says that the state directory went away under us.
func goneMeanwhile(p *place, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	_, err = os.Lstat(p.state())
	return errors.Is(err, fs.ErrNotExist)
}

// readOnly uses a tree on a read-only file system, where nothing can be
// repaired or recorded, if all of its content is right.
func (j *job) readOnly(ctx context.Context, p *place, cause error) (*use, bool, error) {
	if err := p.check(); err != nil {
		return nil, false, cause
	}
	if err := j.verify(ctx, p); err != nil {
		return nil, false, fmt.Errorf("%w, and what is there cannot be used: %w", cause, err)
	}
	man, err := j.pl.manifest()
	if err == nil {
		err = checkVolume(p.tree, 0, man.executable())
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w, and what is there cannot be used: %w", cause, err)
	}
	return nil, false, nil
}

// patientRounds is how often a start that finds the lock taken looks again
// together with the others, before it queues for the lock itself.
const patientRounds = 3

// ensure returns when the tree is complete. Of many starts at once one does
// the work; the others wait for a share of its lock and get it all together.
func (j *job) ensure(ctx context.Context, p *place) (fresh bool, err error) {
	for round := 0; ; round++ {
		kind := tryExclusive
		if round >= patientRounds || j.opts.verify == VerifyFull {
			kind = waitExclusive
		}
		lock, err := takeLock(ctx, p.lockPath(), kind)
		if err != nil {
			return false, err
		}
		if lock != nil {
			defer lock.Close()
			return j.act(ctx, p)
		}
		if err := waitFor(ctx, p); err != nil {
			return false, err
		}
		if v := lookAt(p, j.pl.key); v.good(j.pl.key) {
			return false, v.runs(p)
		}
	}
}

// waitFor waits until nobody works at p.
func waitFor(ctx context.Context, p *place) error {
	lock, err := takeLock(ctx, p.lockPath(), waitShared)
	if err != nil {
		return err
	}
	return lock.Close()
}

// act runs under the lock. It looks again, since another process may have done
// the work, and then builds or repairs.
func (j *job) act(ctx context.Context, p *place) (fresh bool, err error) {
	v := lookAt(p, j.pl.key)
	if v.good(j.pl.key) && j.opts.verify != VerifyFull {
		return false, v.runs(p)
	}
	man, err := j.pl.manifest()
	if err != nil {
		return false, err
	}
	sweep(p)
	if foldsNames(p.state()) { // costs less than to look for a collision
		if a, b, found := man.collision(); found {
			return false, payloadErrorf("%q and %q are one name on this file system; extract to a case-sensitive one", a, b)
		}
	}
	copies := len(man.links()) > 0 && needCopies(p.state())
	plan, err := planFor(man, copies)
	if err != nil {
		return false, err
	}
	w := &worker{ctx: ctx, place: p, plan: plan, key: j.pl.key, copies: copies,
		from: contentsOf(j.pl.fsys, man), check: j.opts.check}
	defer w.from.close()
	need := int64(0)
	if !w.occupied() {
		need = man.bytes()
	}
	if err := checkVolume(p.state(), need, man.executable()); err != nil {
		return false, err
	}
	if w.occupied() {
		return w.mend(v, j.opts.verify == VerifyFull)
	}
	return true, w.build()
}

// verify compares everything at p with the payload and writes nothing.
func (j *job) verify(ctx context.Context, p *place) error {
	man, err := j.pl.manifest()
	if err != nil {
		return err
	}
	copies := false
	if m, err := readMarker(p.markerPath()); err == nil {
		copies = m.copies
	}
	plan, err := planFor(man, copies)
	if err != nil {
		return err
	}
	from := contentsOf(j.pl.fsys, man)
	defer from.close()
	r := repairer{tree: p.tree, plan: plan, from: from}
	found, err := r.run(ctx)
	if err != nil {
		return err
	}
	return damage(p.tree, plan, found)
}

// damage makes an error of what a repairer found, in the tree's order.
func damage(tree string, plan []entry, found map[string]string) error {
	var f faults
	for i := range plan {
		if what, ok := found[plan[i].name]; ok {
			f.addf("%s %s", plan[i].name, what)
		}
	}
	if err := f.err(ErrDamaged); err != nil {
		return fmt.Errorf("%s: %w", tree, err)
	}
	return nil
}

// lockIf takes the lock at once or not at all.
func lockIf(ctx context.Context, path string) (*fileLock, bool) {
	l, err := takeLock(ctx, path, tryExclusive)
	return l, err == nil && l != nil
}

// newPrefix and oldPrefix begin the names of directories that belong to the
// holder of the lock: one that is found under the lock was left by a process
// that is dead.
const (
	newPrefix = "new-"
	oldPrefix = "old-"
)

// sweep removes what dead processes have left.
func sweep(p *place) {
	files, err := os.ReadDir(p.state())
	if err != nil {
		return
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), newPrefix) || strings.HasPrefix(f.Name(), oldPrefix) {
			_ = removeAll(filepath.Join(p.state(), f.Name()))
		}
	}
}

// removeAll removes a tree, folders without permissions included.
func removeAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// uniqueName makes names that cannot be left over from an earlier run.
func uniqueName(prefix string) string {
	return fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), time.Now().UnixNano())
}
