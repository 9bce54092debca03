//go:build !linux && !darwin && !windows

package embed_util

// bootID is not known here, so a power loss that loses content but keeps a
// file's size is found by full verification only.
func bootID() string { return "" }

func sameBoot(recorded, current string) bool { return recorded == current }
