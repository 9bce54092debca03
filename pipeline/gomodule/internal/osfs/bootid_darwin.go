package osfs

import (
	"syscall"
)

// BootID names this run of the system; "" where it cannot be known.
func BootID() string {
	id, err := syscall.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}

// SameBoot says whether two identities are of the same run of the system.
func SameBoot(recorded, current string) bool { return recorded == current }
