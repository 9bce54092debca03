// Package osfs is what differs between systems and file systems: records of files,
// locks, renames of files in use, private directories, and their errors.
package osfs
