package embed_util

import (
	"io/fs"
	"time"

	"github.com/goempy/goempy/internal/extract"
)

// EmbeddedFiles is a payload and the directory it is extracted to. Its methods
// may be called from several goroutines.
//
// While an EmbeddedFiles exists, its process holds a shared lock on the
// directory, so that Prune and Cleanup of other processes leave it alone. The
// lock ends with Cleanup or with the process.
type EmbeddedFiles struct{ files *extract.Files }

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
	return wrap(extract.Named(embedFs, name, newOptions(opts)))
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
	return wrap(extract.Given(embedFs, tmpDir, withHashInDir, newOptions(opts)))
}

func wrap(files *extract.Files, err error) (*EmbeddedFiles, error) {
	if err != nil {
		return nil, err
	}
	return &EmbeddedFiles{files}, nil
}

// get makes the methods of a zero EmbeddedFiles return errors.
func (e *EmbeddedFiles) get() *extract.Files {
	if e.files == nil {
		return new(extract.Files)
	}
	return e.files
}

// Extract returns the directory that holds the files, and extracts them first
// if that has not happened yet. After an error it can be called again. After
// Cleanup its error matches fs.ErrClosed.
func (e *EmbeddedFiles) Extract() (string, error) { return e.get().Extract() }

// GetExtractedPath returns the directory that holds the files, "" after
// Cleanup. With WithLazyExtract it extracts them first, and returns "" if that
// fails; Extract returns the error.
func (e *EmbeddedFiles) GetExtractedPath() string { return e.get().Dir() }

// Cleanup removes the extracted directory, unless something else uses it:
// another process, or another EmbeddedFiles of this one. Then it is left to
// them, which is not an error. If programs run from it, such as a Python that was
// started and has not ended, the error matches ErrInUse. After an error it can be
// called again; otherwise calling it again does nothing.
//
// A directory without a hash in its name, see NewEmbeddedFilesWithTmpDir, may
// be shared with other files. From it the payload's files, Python's caches in
// the payload's folders, and folders that are empty then are removed.
// Everything else stays, and so does the directory if it is not empty.
func (e *EmbeddedFiles) Cleanup() error { return e.get().Cleanup() }

// Verify reads and hashes everything that was extracted, and writes nothing.
// Its error matches ErrDamaged and says which files differ.
func (e *EmbeddedFiles) Verify() error { return e.get().Verify() }

// Repair is Verify, and replaces what differs. Files are replaced one by one
// and by rename, so that programs that use them go on running; on Windows this
// can fail with ErrInUse (see the package comment).
func (e *EmbeddedFiles) Repair() error { return e.get().Repair() }

// Prune removes what other versions of the payload have extracted under the
// same name, if they were last used more than maxAge ago. A directory that a
// running process uses is never removed: its users hold a shared lock, or their
// programs run from it. Last
// used means the last start, known to an hour, or Cleanup, whichever was later.
// Prune returns the directories it removed, also when it returns an error about
// another one.
//
// It does nothing for a directory without a hash in its name.
func (e *EmbeddedFiles) Prune(maxAge time.Duration) ([]string, error) { return e.get().Prune(maxAge) }
