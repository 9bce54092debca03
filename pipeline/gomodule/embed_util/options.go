package embed_util

import (
	"context"

	"github.com/goempy/goempy/internal/extract"
	"github.com/goempy/goempy/internal/payload"
)

// Option changes how files are extracted.
type Option func(*options)

type options = extract.Options

func newOptions(opts []Option) options {
	var o options
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	return o
}

// VerifyMode says how a start convinces itself that files extracted earlier
// are still what they were.
type VerifyMode int

const (
	// VerifyStat, the default, compares each file's size, times, mode, owner and
	// inode with those after extraction and reads no content.
	VerifyStat VerifyMode = iota

	// VerifyFull reads and hashes everything at every start.
	VerifyFull
)

// WithVerify chooses how a start checks files that were extracted earlier.
func WithVerify(mode VerifyMode) Option {
	return func(o *options) { o.VerifyAll = mode == VerifyFull }
}

// WithLazyExtract makes the constructor return at once. Files are extracted at
// the first call of Extract, GetExtractedPath, Verify or Repair.
func WithLazyExtract() Option {
	return func(o *options) { o.Lazy = true }
}

// WithContext ends extraction, and the wait for another process that is
// extracting, when ctx is done. Without it a start waits as long as the other
// process lives.
func WithContext(ctx context.Context) Option {
	return func(o *options) {
		if ctx != nil {
			o.Context = ctx
		}
	}
}

// WithStartCheck has check called with the tree's path after files were
// written and before they count as extracted. When it fails, the constructor
// fails with its error. A tree that was extracted for this start is removed
// then; one that was only repaired stays, since other programs may be using it,
// and is checked again at the next start. An error that matches
// fs.ErrPermission makes the next place be tried, if there is one. When the
// context is done, the error matches the context's and nothing is removed. The
// next start may undo what check changes in the payload's files.
func WithStartCheck(check func(dir string) error) Option {
	return func(o *options) { o.StartCheck = check }
}

// WithTrustedDir accepts dir and the folders above it whatever their owners and modes,
// for systems where no other user can reach them: in a container, /tmp may be open to
// all and lack the sticky bit. What is made below dir is private as ever. Operators set
// the environment variable GOEMPY_TRUSTED_DIR instead, to one directory or several; with
// it, root trusts only directories that belong to root.
func WithTrustedDir(dir string) Option {
	return func(o *options) { o.TrustedDirs = append(o.TrustedDirs, dir) }
}

// WithWorldReadable lets other users read the directory that the caller names with
// NewEmbeddedFilesWithTmpDir, also one that was extracted without it. Folders above it that
// exist keep their modes. Without the option, a directory that others can read stays so.
//
// Root can extract into a container image with it. Others then use the files if no one but
// root can change them: every start hashes all of them, and nothing is written. While they
// do, Cleanup and Prune of root leave the directory alone.
func WithWorldReadable() Option {
	return func(o *options) { o.WorldReadable = true }
}

// WithProgress has report called while files are extracted, with the bytes that were
// written and all that are to be written, by one goroutine at a time. It is not called when
// nothing is extracted, and should return at once.
func WithProgress(report func(done, total int64)) Option {
	return func(o *options) { o.Progress = report }
}

// PackOption changes how CopyForEmbed packs.
type PackOption func(*packOptions)

type packOptions = payload.PackOptions

// WithStream packs all contents into one frame. Text becomes a fifth smaller, and the first
// start takes longer: see the package comment.
func WithStream() PackOption {
	return func(o *packOptions) { o.Layout = payload.LayoutStream }
}

// WithBlobs packs each content into a file of its own, so that what version control shows
// and stores of a change is one file. What has many small files becomes a tenth larger
// and takes longer to extract.
func WithBlobs() PackOption {
	return func(o *packOptions) { o.Layout = payload.LayoutBlobs }
}
