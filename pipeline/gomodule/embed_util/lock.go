package embed_util

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// lockPoll is how often a lock is asked for while a context can end the wait.
const lockPoll = 10 * time.Millisecond

// errGone means that the lock file was removed by someone who held it.
var errGone = errors.New("lock file was replaced")

// errHeld means that others hold a lock that was tried.
var errHeld = errors.New("in use by others")

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
func takeLock(ctx context.Context, path string, kind lockKind) (*fileLock, error) {
	l, err := openLock(path)
	if err != nil {
		return nil, err
	}
	return l.take(ctx, kind)
}

// take locks what was opened, and closes it if it fails to.
func (l *fileLock) take(ctx context.Context, kind lockKind) (*fileLock, error) {
	ok, err := l.acquire(ctx, kind)
	if err == nil && ok && !l.stands() {
		err = errGone
	}
	if err != nil || !ok {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

func (l *fileLock) acquire(ctx context.Context, kind lockKind) (bool, error) {
	shared := kind == tryShared || kind == waitShared
	if kind == tryExclusive || kind == tryShared {
		return l.lock(shared, false)
	}
	if ctx.Done() == nil {
		return l.lock(shared, true)
	}
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if ok, err := l.lock(shared, false); ok || err != nil {
			return ok, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(lockPoll):
		}
	}
}

// use is this process's claim on a tree: while it lasts, Prune and Cleanup of
// other processes leave the tree alone. A process holds one lock per tree,
// however many EmbeddedFiles use it.
//
// It holds the file named use, which also tells when the tree was used last,
// and on Unix the state directory itself: cleaners of temp dirs may remove the
// file, but not the directory as long as the marker is in it.
type use struct {
	path string
	lock *fileLock
	dir  *fileLock // nil where directories have no locks
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
	dir, err := lockDir(ctx, filepath.Dir(path), waitShared)
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	st, err := os.Stat(path)
	if err != nil {
		_ = dir.Close()
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
		_ = u.dir.Close()
	}
	u.lock, u.dir, u.file = l, dir, st
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
	now := time.Now()
	_ = os.Chtimes(u.path, now, now)
	_ = u.lock.Close()
	_ = u.dir.Close()
	delete(uses, u.path)
	return true
}

// lockDir locks a state directory. It returns nil and no error where there are
// no such locks; then the file in it has to do.
func lockDir(ctx context.Context, dir string, kind lockKind) (*fileLock, error) {
	l, err := openDirLock(dir)
	if l == nil || err != nil {
		return nil, err
	}
	got, err := l.take(ctx, kind)
	switch {
	case noLocks(err):
		return nil, nil
	case got == nil && err == nil:
		return nil, errHeld
	}
	return got, err
}
