package embed_util

import "github.com/goempy/goempy/internal/payload"

// CopyForEmbed packs the directory dir into the directory out, in payload
// format 1: a files.json, and one compressed file with all contents or, with
// WithBlobs, one for each. A .gitattributes keeps git from changing them. Embed out with go:embed, and it is what NewEmbeddedFiles takes.
//
// The same files give the same bytes, wherever and whenever they are packed:
// permissions become 0755 or 0644, times and owners are not stored. What an
// earlier CopyForEmbed has left in out and is not needed any more is removed.
//
// It is an error if dir holds a symlink that leaves it, a file that is no
// regular file, folder or symlink, or a name that is not portable (see
// payload format 1 in the package comment); all of these are reported together.
// Two calls must not write to the same out at the same time.
func CopyForEmbed(out string, dir string, opts ...PackOption) error {
	var o packOptions
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	return payload.Pack(out, dir, o)
}
