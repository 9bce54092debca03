//go:build !linux && !darwin && !windows

package osfs

// BootID is not known here, so a power loss that loses content but keeps a
// file's size is found by full verification only.
func BootID() string { return "" }

// SameBoot says whether two identities are of the same run of the system.
func SameBoot(recorded, current string) bool { return recorded == current }
