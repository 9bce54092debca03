package embed_util

import "github.com/goempy/goempy/internal/payload"

// BuildAndWriteFilesList writes a files.json for the files in dir,
// into dir. They are embedded as they are, under their own names, which suits
// a folder of small text files; CopyForEmbed packs anything.
//
// Some names are left out by go:embed without a word (symlinks, nested
// modules); such a file is missing at extraction, which is an error there.
func BuildAndWriteFilesList(dir string) error { return payload.WriteFileList(dir) }
