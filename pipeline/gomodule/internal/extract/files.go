package extract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/goempy/goempy/internal/payload"
)

// Options change how a payload is extracted.
type Options struct {
	Context    context.Context        // ends extraction and the wait for other processes; nil never does
	VerifyAll  bool                   // read and hash what was extracted earlier, at every start
	Lazy       bool                   // extract at the first use
	StartCheck func(dir string) error // runs after files were written, before they count as extracted

	// Progress is called while files are extracted, with bytes written and to be written in
	// all, by one goroutine at a time.
	Progress func(done, total int64)

	// WorldReadable lets other users read a directory that the caller names.
	WorldReadable bool

	// TrustedDirs are directories in which, and above which, nobody is expected to replace
	// anything, whatever their owners and modes.
	TrustedDirs []string
}

// Files is a payload and the directory it is extracted to. Its methods may be
// called from several goroutines.
type Files struct {
	fsys      fs.FS
	locations func(key string) ([]Location, error)
	opts      Options

	mu      sync.Mutex
	pl      *payload.Payload
	at      *result   // nil before extraction and after Cleanup
	left    *Location // what Cleanup could not remove
	cleaned bool
}

// Named extracts a payload to a private directory of this user, named name and a part
// of the payload's hash.
func Named(fsys fs.FS, name string, o Options) (*Files, error) {
	return newFiles(fsys, o, func(key string) ([]Location, error) {
		return namedLocations(name, key, trustedDirs(o.TrustedDirs)), nil
	})
}

// Given extracts a payload to dir, with hashInName to dir-<hash>.
func Given(fsys fs.FS, dir string, hashInName bool, o Options) (*Files, error) {
	return newFiles(fsys, o, func(key string) ([]Location, error) {
		loc, err := givenLocation(dir, key, hashInName, trustedDirs(o.TrustedDirs))
		loc.mode = 0o700
		if o.WorldReadable {
			loc.mode = 0o755
		}
		return []Location{loc}, err
	})
}

func newFiles(fsys fs.FS, o Options, places func(string) ([]Location, error)) (*Files, error) {
	if o.Context == nil {
		o.Context = context.Background()
	}
	f := &Files{fsys: fsys, locations: places, opts: o}
	if o.Lazy {
		return f, nil
	}
	if _, err := f.Extract(); err != nil {
		return nil, err
	}
	return f, nil
}

// Extract returns the directory that holds the files, and extracts them first
// if that has not happened yet. After Cleanup its error matches fs.ErrClosed.
func (f *Files) Extract() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.extract(); err != nil {
		return "", err
	}
	return f.at.loc.tree, nil
}

func (f *Files) extract() error {
	if f.at != nil {
		return nil
	}
	if f.cleaned {
		return fmt.Errorf("embed_util: the files are used after Cleanup: %w", fs.ErrClosed)
	}
	locs, err := f.open()
	if err != nil {
		return err
	}
	j := job{pl: f.pl, opts: &f.opts}
	at, err := j.run(f.opts.Context, locs)
	if err != nil {
		return err
	}
	f.at = at
	return nil
}

// open opens the payload, if it is not yet, and returns where it may be extracted to.
func (f *Files) open() ([]Location, error) {
	if f.pl == nil {
		pl, err := payload.Open(f.fsys)
		if err != nil {
			return nil, err
		}
		f.pl = pl
	}
	return f.locations(f.pl.Key)
}

// Dir returns the directory that holds the files, extracted if they are not yet. It
// returns "" if that fails, and after Cleanup.
func (f *Files) Dir() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.extract() != nil {
		return ""
	}
	return f.at.loc.tree
}

// Cleanup removes the extracted directory unless something else uses it. After an
// error it can be called again. From a directory that the caller named, it removes
// the payload's files and the folders that are empty then.
func (f *Files) Cleanup() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cleaned = true
	if at := f.at; at != nil {
		f.at = nil
		if at.claim.release() {
			f.left = &at.loc
		}
	}
	if f.left == nil {
		return nil
	}
	var entries []markerEntry
	if f.left.prefix == "" {
		entries = f.entries(f.left)
	}
	if _, err := removeUnused(f.opts.Context, f.left, entries); err != nil {
		return fmt.Errorf("embed_util: clean up: %w", err)
	}
	f.left = nil
	return nil
}

// entries is what this payload has put into a directory.
func (f *Files) entries(loc *Location) []markerEntry {
	if m, err := readMarker(loc.markerPath()); err == nil {
		return m.entries
	}
	man, err := f.pl.Manifest()
	if err != nil {
		return nil
	}
	entries := make([]markerEntry, len(man.Entries))
	for i := range entries {
		entries[i] = markerEntry{name: man.Entries[i].Name, dir: man.Entries[i].IsDir()}
	}
	return entries
}

// Verify reads and hashes everything that was extracted. Its error matches
// ErrDamaged.
func (f *Files) Verify() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.extract(); err != nil {
		return err
	}
	j := job{pl: f.pl, opts: &f.opts}
	return j.verify(f.opts.Context, &f.at.loc)
}

// Repair replaces what Verify finds, file by file.
func (f *Files) Repair() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.extract(); err != nil {
		return err
	}
	full := f.opts
	full.VerifyAll = true
	j := job{pl: f.pl, opts: &full}
	at, err := j.run(f.opts.Context, []Location{f.at.loc})
	if err != nil {
		return err
	}
	f.at.claim.release()
	f.at = at
	return nil
}

// Prune removes what other versions have extracted under the same name and nothing
// has used for maxAge. It returns what it removed, also beside an error.
func (f *Files) Prune(maxAge time.Duration) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	locs, err := f.open()
	if err != nil {
		return nil, err
	}
	var removed []string
	var failed []error
	for i := range locs {
		gone, err := pruneAll(f.opts.Context, &locs[i], maxAge)
		removed = append(removed, gone...)
		failed = append(failed, err)
	}
	return removed, errors.Join(failed...)
}
