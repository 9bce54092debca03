package extract

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/goempy/goempy/internal/osfs"
)

// errHeld means that others hold a lock that was tried.
var errHeld = errors.New("in use by others")

// claim is this process's claim on a tree: while it lasts, Prune and Cleanup of
// other processes leave the tree alone. A process holds one lock per tree,
// however many EmbeddedFiles use it.
//
// It holds the file named use, whose time is that of the last use, and on Unix two
// directories: that of the state, since cleaners of temp dirs may remove the file, but not
// the directory as long as the marker is in it; and the tree's own, since
// systemd-tmpfiles leaves alone what is below a directory that is locked.
type claim struct {
	path string
	lock *osfs.FileLock
	dir  *osfs.FileLock // nil where directories have no locks
	tree *osfs.FileLock // the same, and nil until there is a tree
	file fs.FileInfo
	refs int
}

var (
	claimsMu sync.Mutex
	claims   = map[string]*claim{} // keeps the locks from being collected
)

// claimInterval is the precision of the time of the last use. Renewing it at every
// start would be a write for nothing.
const claimInterval = time.Hour

// acquireClaim takes a share of the lock at path. A nil claim and no error means that
// the file system is read-only, where nobody can remove the tree either.
func acquireClaim(ctx context.Context, path string) (*claim, error) {
	claimsMu.Lock()
	defer claimsMu.Unlock()
	c := claims[path]
	if c != nil {
		if st, err := os.Stat(path); err == nil && os.SameFile(st, c.file) {
			c.refs++
			return c, nil
		}
	}
	l, err := osfs.TakeLock(ctx, path, osfs.WaitShared)
	if osfs.IsReadOnly(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	dir, err := lockDir(ctx, filepath.Dir(path), osfs.WaitShared)
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
	if now := time.Now(); now.Sub(st.ModTime()) > claimInterval {
		_ = os.Chtimes(path, now, now)
	}
	if c == nil {
		c = &claim{path: path}
		claims[path] = c
	} else {
		// Someone removed the file that was locked, as cleaners of temp dirs
		// do. From now on the new one is what others see.
		c.close()
	}
	c.lock, c.dir, c.file = l, dir, st
	c.refs++
	return c, nil
}

// acquireTree claims a tree whose state directory is another user's, by the lock of the
// tree's own directory.
func acquireTree(ctx context.Context, tree string) (*claim, error) {
	claimsMu.Lock()
	c := claims[tree]
	if c == nil {
		c = &claim{path: tree}
		claims[tree] = c
	}
	c.refs++
	claimsMu.Unlock()
	if err := c.holdTree(ctx, tree); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

// release gives a claim back and reports whether it was this process's last.
func (c *claim) release() bool {
	if c == nil {
		return true
	}
	claimsMu.Lock()
	defer claimsMu.Unlock()
	c.refs--
	if c.refs > 0 {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(c.path, now, now)
	c.close()
	delete(claims, c.path)
	return true
}

func (c *claim) close() {
	_ = c.lock.Close()
	_ = c.dir.Close()
	_ = c.tree.Close()
	c.tree = nil
}

// holdTree makes the claim hold the tree's own directory. It does not
// wait for a lock that others hold: any user may lock a directory that all can read.
func (c *claim) holdTree(ctx context.Context, tree string) error {
	if c == nil {
		return nil // on a read-only file system
	}
	claimsMu.Lock()
	defer claimsMu.Unlock()
	if c.tree != nil && c.tree.IsCurrent() {
		return nil
	}
	lock, err := lockDir(ctx, tree, osfs.TryShared)
	if err != nil {
		return err
	}
	_ = c.tree.Close()
	c.tree = lock
	return nil
}

// lockDir locks a state directory. It returns nil and no error where there are
// no such locks; then the file in it has to do.
func lockDir(ctx context.Context, dir string, kind osfs.LockKind) (*osfs.FileLock, error) {
	l, err := osfs.OpenDirLock(dir)
	if l == nil || err != nil {
		return nil, err
	}
	got, err := l.Take(ctx, kind)
	switch {
	case err != nil:
		return nil, err
	case got == nil:
		return nil, errHeld
	case !got.Enforced():
		return nil, got.Close()
	}
	return got, nil
}
