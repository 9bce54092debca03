package embed_util

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is how often a lock is asked for while a context can end the wait.
const lockPoll = 10 * time.Millisecond

// errGone means that the lock file was removed by someone who held it.
var errGone = errors.New("lock file was replaced")

type lockKind int

const (
	tryExclusive lockKind = iota
	tryShared
	waitExclusive
	waitShared
)

// takeLock locks the file at path, which it creates. It returns nil and no
// error when a try finds it held by others, and errGone when the file at path
// is no longer the one that was locked: then the directory went away under us.
func takeLock(ctx context.Context, path string, kind lockKind) (*flock.Flock, error) {
	// The file is created first, so that there is something to compare with.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, err
	}
	before, err := f.Stat()
	f.Close()
	if err != nil {
		return nil, err
	}
	l := flock.New(path)
	ok, err := acquire(ctx, l, kind)
	if err != nil || !ok {
		return nil, err
	}
	after, err := os.Stat(path)
	if err != nil || !os.SameFile(before, after) {
		_ = l.Close()
		return nil, errGone
	}
	return l, nil
}

func acquire(ctx context.Context, l *flock.Flock, kind lockKind) (bool, error) {
	for {
		ok, err := acquireOnce(ctx, l, kind)
		if !errors.Is(err, syscall.EINTR) {
			return ok, err
		}
	}
}

func acquireOnce(ctx context.Context, l *flock.Flock, kind lockKind) (bool, error) {
	switch kind {
	case tryExclusive:
		return l.TryLock()
	case tryShared:
		return l.TryRLock()
	}
	if ctx.Done() == nil {
		if kind == waitShared {
			return true, l.RLock()
		}
		return true, l.Lock()
	}
	if kind == waitShared {
		return l.TryRLockContext(ctx, lockPoll)
	}
	return l.TryLockContext(ctx, lockPoll)
}

// use is this process's claim on a tree: while it lasts, Prune and Cleanup of
// other processes leave the tree alone. A process holds one lock per tree,
// however many EmbeddedFiles use it.
type use struct {
	path string
	lock *flock.Flock
	file fs.FileInfo
	refs int
}

var (
	usesMu sync.Mutex
	uses   = map[string]*use{} // keeps the locks from being collected
)

// useInterval is how exactly a lock file's time tells when a tree was used
// last. Renewing it at every start would be a write for nothing.
const useInterval = time.Hour

// claim takes a share of the lock at path. A nil use and no error means that
// the file system is read-only, where nobody can remove the tree either.
func claim(ctx context.Context, path string) (*use, error) {
	usesMu.Lock()
	defer usesMu.Unlock()
	u := uses[path]
	if u != nil {
		if st, err := os.Stat(path); err == nil && os.SameFile(st, u.file) {
			u.refs++
			return u, nil
		}
	}
	l, err := takeLock(ctx, path, waitShared)
	if isReadOnly(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(path)
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	if now := time.Now(); now.Sub(st.ModTime()) > useInterval {
		_ = os.Chtimes(path, now, now)
	}
	if u == nil {
		u = &use{path: path}
		uses[path] = u
	} else {
		// Someone removed the file that was locked, as cleaners of temp dirs
		// do. From now on the new one is what others see.
		_ = u.lock.Close()
	}
	u.lock, u.file = l, st
	u.refs++
	return u, nil
}

// release gives a claim back. It says whether it was this process's last.
func (u *use) release() bool {
	if u == nil {
		return true
	}
	usesMu.Lock()
	defer usesMu.Unlock()
	u.refs--
	if u.refs > 0 {
		return false
	}
	_ = u.lock.Close()
	delete(uses, u.path)
	return true
}
