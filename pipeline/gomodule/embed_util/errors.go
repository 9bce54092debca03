package embed_util

import (
	"github.com/goempy/goempy/internal/extract"
	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/payload"
)

var (
	// ErrManifest is matched by every error about the payload itself: a
	// manifest that breaks a rule, a blob or stream that is missing or has other
	// content than the manifest says. Build the program again.
	ErrManifest = payload.ErrManifest

	// ErrFormat is matched when the manifest has a format that this version
	// cannot read. Such an error matches ErrManifest too.
	ErrFormat = payload.ErrFormat

	// ErrUnsafeDir is matched when a directory that would have to be private
	// is a symlink, belongs to another user, or is open to other users.
	ErrUnsafeDir = extract.ErrUnsafeDir

	// ErrInUse is matched when files cannot be removed because programs run from their
	// directory, and on Windows also when files cannot be replaced because a program has them
	// open, or because this user may not change them, which Windows does not always distinguish.
	// The error names the programs that run from the directory, as far as this user can see
	// them; when they have ended, the call can be made again.
	ErrInUse = osfs.ErrInUse

	// ErrDamaged is matched by the error of Verify when the extracted tree
	// differs from the payload.
	ErrDamaged = extract.ErrDamaged
)
