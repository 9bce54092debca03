package embed_util

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"
)

// EmbeddedFiles is a payload and the directory it is extracted to. Its methods
// may be called from several goroutines.
//
// While an EmbeddedFiles exists, its process holds a shared lock on the
// directory, so that Prune and Cleanup of other processes leave it alone. The
// lock ends with Cleanup or with the process.
type EmbeddedFiles struct {
	fsys   fs.FS
	places func(key string) ([]place, error)
	opts   options

	mu      sync.Mutex
	pl      *payload
	at      *result // nil before extraction and after Cleanup
	left    *place  // what Cleanup could not remove
	cleaned bool
}

// NewEmbeddedFiles extracts a payload to a private directory of this user:
// <temp dir>/goempy-<user id>/<name>-<hash>, or, where the temp dir cannot take
// it (unsafe, read-only, noexec, full), the same below the user's cache dir.
//
// Files that are there already are checked (see WithVerify), not written
// again; what differs is repaired. Any number of processes may call it at the
// same time.
//
// Errors match ErrManifest when the payload is bad, ErrFormat when it has an
// unknown format, ErrUnsafeDir when no directory could be trusted, and those
// of the file system and of the context otherwise.
func NewEmbeddedFiles(embedFs fs.FS, name string, opts ...Option) (*EmbeddedFiles, error) {
	return newEmbeddedFiles(embedFs, opts, func(key string) ([]place, error) {
		return namedPlaces(name, key)
	})
}

// NewEmbeddedFilesWithTmpDir extracts a payload to tmpDir, or with
// withHashInDir, to tmpDir-<hash>. There is no other place to fall back to.
//
// A directory that is missing or empty becomes one that only this user can
// enter. One with files in it, and one that is a mount point, keeps its mode.
// It must belong to this user and must not be writable by others, and nobody
// else may be able to replace it or a folder above it (see the package
// comment), or the error matches ErrUnsafeDir. Other files in it are left alone. Locks and the record
// of what was extracted are in the directory of the same name with ".goempy"
// appended. Without a hash in the name, the payload of another version that was
// extracted to the same directory is replaced.
//
// Otherwise it is like NewEmbeddedFiles.
func NewEmbeddedFilesWithTmpDir(embedFs fs.FS, tmpDir string, withHashInDir bool, opts ...Option) (*EmbeddedFiles, error) {
	return newEmbeddedFiles(embedFs, opts, func(key string) ([]place, error) {
		p, err := givenPlace(tmpDir, key, withHashInDir)
		return []place{p}, err
	})
}

func newEmbeddedFiles(fsys fs.FS, opts []Option, places func(string) ([]place, error)) (*EmbeddedFiles, error) {
	e := &EmbeddedFiles{fsys: fsys, places: places, opts: newOptions(opts)}
	if e.opts.lazy {
		return e, nil
	}
	if _, err := e.Extract(); err != nil {
		return nil, err
	}
	return e, nil
}

// Extract returns the directory that holds the files, and extracts them first
// if that has not happened yet. After an error it can be called again. After
// Cleanup its error matches fs.ErrClosed.
func (e *EmbeddedFiles) Extract() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.extract(); err != nil {
		return "", err
	}
	return e.at.place.tree, nil
}

func (e *EmbeddedFiles) extract() error {
	if e.at != nil {
		return nil
	}
	if e.cleaned {
		return fmt.Errorf("embed_util: the files are used after Cleanup: %w", fs.ErrClosed)
	}
	if e.pl == nil {
		pl, err := openPayload(e.fsys)
		if err != nil {
			return err
		}
		e.pl = pl
	}
	places, err := e.places(e.pl.key)
	if err != nil {
		return err
	}
	j := job{pl: e.pl, opts: &e.opts}
	at, err := j.run(e.opts.ctx, places)
	if err != nil {
		return err
	}
	e.at = at
	return nil
}

// GetExtractedPath returns the directory that holds the files, "" after
// Cleanup. With WithLazyExtract it extracts them first, and returns "" if that
// fails; Extract tells the error.
func (e *EmbeddedFiles) GetExtractedPath() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.extract() != nil {
		return ""
	}
	return e.at.place.tree
}

// Cleanup removes the extracted directory, unless something else uses it:
// another process, or another EmbeddedFiles of this one. Then it is left to
// them, and that is no error. After an error it can be called again; otherwise
// calling it again does nothing.
//
// A directory without a hash in its name, see NewEmbeddedFilesWithTmpDir, may
// be shared with other files. From it the payload's files, Python's caches in
// the payload's folders, and folders that are empty then are removed.
// Everything else stays, and so does the directory if it is not empty.
func (e *EmbeddedFiles) Cleanup() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cleaned = true
	if at := e.at; at != nil {
		e.at = nil
		if at.use.release() {
			e.left = &at.place
		}
	}
	if e.left == nil {
		return nil
	}
	var entries []markerEntry
	if e.left.pat == "" {
		entries = e.entries(e.left)
	}
	if _, err := removeUnused(e.opts.ctx, e.left, entries); err != nil {
		return fmt.Errorf("embed_util: clean up: %w", err)
	}
	e.left = nil
	return nil
}

// entries is what this payload has put into a directory.
func (e *EmbeddedFiles) entries(p *place) []markerEntry {
	if m, err := readMarker(p.markerPath()); err == nil {
		return m.entries
	}
	man, err := e.pl.manifest()
	if err != nil {
		return nil
	}
	entries := make([]markerEntry, len(man.entries))
	for i := range entries {
		entries[i] = markerEntry{name: man.entries[i].name, dir: man.entries[i].isDir()}
	}
	return entries
}

// Verify reads and hashes everything that was extracted, and writes nothing.
// Its error matches ErrDamaged and says which files differ.
func (e *EmbeddedFiles) Verify() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.extract(); err != nil {
		return err
	}
	j := job{pl: e.pl, opts: &e.opts}
	return j.verify(e.opts.ctx, &e.at.place)
}

// Repair is Verify, and replaces what differs. Files are replaced one by one
// and by rename, so that programs that use them go on running; on Windows this
// can fail with ErrInUse (see the package comment).
func (e *EmbeddedFiles) Repair() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.extract(); err != nil {
		return err
	}
	full := e.opts
	full.verify = VerifyFull
	j := job{pl: e.pl, opts: &full}
	at, err := j.run(e.opts.ctx, []place{e.at.place})
	if err != nil {
		return err
	}
	e.at.use.release()
	e.at = at
	return nil
}

// Prune removes what other versions of the payload have extracted under the
// same name, if they were last used more than maxAge ago. A directory that a
// running process uses is never removed: its users hold a shared lock. Last
// used means the last start, known to an hour, or Cleanup, whichever was later.
// Prune returns the directories it removed, also when it returns an error about
// another one.
//
// It does nothing for a directory without a hash in its name.
func (e *EmbeddedFiles) Prune(maxAge time.Duration) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pl == nil {
		pl, err := openPayload(e.fsys)
		if err != nil {
			return nil, err
		}
		e.pl = pl
	}
	places, err := e.places(e.pl.key)
	if err != nil {
		return nil, err
	}
	var removed []string
	var failed []error
	for i := range places {
		gone, err := pruneAll(e.opts.ctx, &places[i], maxAge)
		removed = append(removed, gone...)
		failed = append(failed, err)
	}
	return removed, errors.Join(failed...)
}
