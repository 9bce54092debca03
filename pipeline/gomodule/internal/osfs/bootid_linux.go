package osfs

import "strings"

// BootID names this run of the system; "" where it cannot be known.
func BootID() string {
	b, err := ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// SameBoot says whether two identities are of the same run of the system.
func SameBoot(recorded, current string) bool { return recorded == current }
