// Package embed_util extracts files that are embedded in a program, safely and
// once, and packs files for embedding. The interpreter of package python and
// sets of Python packages travel with it.
//
// # Payloads
//
// NewEmbeddedFiles takes a file system, usually an embed.FS, that holds one of
// these at its root:
//
//   - payload format 1: files.json, and a stream or blobs, as CopyForEmbed
//     writes them;
//   - a files.json of go-embed-python with the files beside it, as they are or
//     with gzip;
//   - no files.json: then every file is its own content.
//
// In format 1, files.json lists every file, folder and symlink, sorted by name,
// with mode, size and sha256. Names are relative, clean and "/"-separated
// UTF-8; symlinks never lead out of the tree, and nothing is below one. A
// blob holds one content, compressed with zstd or as it is, and is named by the
// first 32 hex digits of its uncompressed content's sha256.
//
// A files.json with the field stream has no blobs, but one file of that name,
// and its entries have no codec. Uncompressed, the file is the contents of the
// regular files one after the other, in the order of their entries, each
// content once, and nothing behind the last one. It is one zstd frame or several,
// with windows of at most 8 MiB, if the name ends in ".zst", and not compressed
// otherwise; the name begins like that of a blob with all of this as its
// content. If every frame says how much it holds, ends with a content, and has only
// one or at most 1 MiB, frames are decoded by all cores, and only those that are
// needed. Otherwise the file is decoded from its beginning by few cores, also
// to repair a single file, up to the last one that is needed.
//
// CopyForEmbed makes frames of up to 256 KiB of contents. Files that are alike are
// compressed together, so this is smaller than blobs, and small files take a quarter less
// processor time to extract. With WithStream everything is in one frame, which is smaller still; with
// WithBlobs each content has its blob.
//
// The field contentHash covers everything but the way contents are stored, so
// equal trees have equal hashes, no matter what packed them.
//
// All of the manifest is checked before anything is written, and every byte
// while it is written. Errors about it match ErrManifest, and those about a
// format that this version does not know, ErrFormat too.
//
// # Where files go
//
// The directory's name carries a part of the hash, so versions do not mix.
// It is in a folder that only this user can enter. A folder or file that
// another user has put there is never used: such an error matches
// ErrUnsafeDir, and the next place is tried. So is a place that another user
// could replace: on Unix every folder on the way to it must belong to root (or
// the owner of "/") or to this user, and must not be writable by others unless
// it has the sticky bit, as /tmp has. Writable by the group is fine if that is
// this process's own group or root's: with umask 002, as many systems have it,
// every folder of a user is. A directory that root's program names may also be
// below folders of other users, unless it is below one that HOME, TMPDIR or an
// XDG_ variable names: sudo keeps HOME, for one. A temp dir that does not exist
// is not made. Beside
// the tree, a directory of the same name with ".goempy" appended holds its
// locks and its marker.
//
// A tree is filled in a private sibling directory, by all cores, and appears
// by a rename; the marker that makes it count is written last. A process that
// is killed at any moment leaves nothing that a later start would trust, and
// what it leaves is removed by the next start that extracts.
//
// On Unix, symlinks are symlinks. Where a file system has none, and on Windows,
// they are copies of what they lead to.
//
// # Starts that find everything in place
//
// The marker records size, modification time, change time, mode, owner and inode of
// every file. A start compares these and reads no content, which takes about a
// millisecond for a thousand files. Whatever differs is read, and replaced by
// rename if its content is wrong; programs that use the directory go on. Files
// that do not belong to the payload, such as Python's caches, are left alone. A file or
// folder of another user, who could change it after the check, is given to this user.
//
// Windows does not let files be replaced or removed while a program has them
// open. A program that runs from the directory, and the libraries it has loaded,
// can be moved: they go to the ".goempy" directory, and the first start that
// extracts or repairs after the program has ended removes them. Any other open
// file makes the call fail with an error that matches ErrInUse and names the
// programs that run from the directory. Prefer a directory with a hash in its
// name: versions then do not get in each other's way.
//
// Nobody can change a file without changing its change time, and the marker is
// written only after the clock has passed all times in it, so this finds every
// change that was made through the file system. There are two exceptions.
// Windows has no change time here: a change of equal size whose author has
// set the old modification time again is found by VerifyFull only. And after a
// power failure content may be lost while sizes and times are kept: nothing is
// flushed to the disk when files are extracted, and in return the first start
// after each boot reads and hashes everything once.
//
// # Concurrency
//
// Any number of goroutines and processes may use the same directory at the
// same time. One extracts or repairs, the others wait for it. All of them hold
// a shared lock while they run, and Cleanup and Prune remove only what nobody
// holds. On a file system without locks each start extracts for itself, the first
// rename wins, and Cleanup and Prune remove nothing; what killed processes leave is
// removed by a start that extracts or repairs, when it is a day old. The locks of
// directories also keep systemd-tmpfiles, which cleans temp dirs, from removing files in use.
//
// The lock ends with the Go process, and a Python that it has started may run on. So before
// they remove a directory, Cleanup and Prune ask the system which programs run from it, and
// which Pythons have it in PYTHONPATH. As long as there are any, it stays: Prune passes over
// it, and Cleanup returns an error that matches ErrInUse and names them. A process sees those
// of its own user and container, and root those of all users. On Windows PYTHONPATH is not
// seen, and on other systems than Linux, macOS and Windows nothing is.
package embed_util
