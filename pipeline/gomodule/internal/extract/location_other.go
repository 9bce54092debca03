//go:build !unix

package extract

import (
	"io/fs"
	"os"
)

// checkOwner has nothing to look at: permissions of Windows are lists, which
// are not read here. A user's temp and cache dir are in the profile, which
// the system keeps others out of; the temp dir of services, which it does not,
// is passed over in favor of the cache dir. A directory that the caller named
// is taken as it is.
func checkOwner(string, fs.FileInfo, fs.FileMode) error { return nil }

// isOfRoot is false: there is no root.
func (loc *Location) isOfRoot() bool { return false }

// foreignOwner knows no owners.
func foreignOwner(fs.FileInfo) (uid int, ok bool) { return 0, false }

// checkAll is for trees of root.
func (loc *Location) checkAll() error { return nil }

// checkParents has nothing to look at either.
func checkParents(dir string, _ trust) error {
	_, err := os.Stat(dir)
	return err
}

// dirsOfEnvironment are none: no folders are checked.
func dirsOfEnvironment() []string { return nil }
