package osfs

import (
	"context"
	"errors"
	"time"
)

// lockPoll is how often a lock is asked for while a context can end the wait.
const lockPoll = 10 * time.Millisecond

// ErrGone means that the lock file was removed by someone who held it.
var ErrGone = errors.New("lock file was replaced")

// LockKind says how a lock is shared and whether it is waited for.
type LockKind int

// The locks that there is a use for.
const (
	TryExclusive LockKind = iota
	TryShared
	WaitExclusive
	WaitShared
)

// TakeLock locks the file at path, which it creates. It returns nil and no
// error when a try finds it held by others, and ErrGone when the file at path
// is no longer the one that was locked: then the directory went away under us.
func TakeLock(ctx context.Context, path string, kind LockKind) (*FileLock, error) {
	l, err := OpenLock(path)
	if err != nil {
		return nil, err
	}
	return l.Take(ctx, kind)
}

// Take locks what was opened, and closes it if it fails to.
func (l *FileLock) Take(ctx context.Context, kind LockKind) (*FileLock, error) {
	ok, err := l.acquire(ctx, kind)
	if err == nil && ok && !l.IsCurrent() {
		err = ErrGone
	}
	if err != nil || !ok {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

func (l *FileLock) acquire(ctx context.Context, kind LockKind) (bool, error) {
	shared := kind == WaitShared || kind == TryShared
	if kind == TryExclusive || kind == TryShared {
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
