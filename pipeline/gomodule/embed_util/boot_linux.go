package embed_util

import (
	"os"
	"strings"
)

// bootID names this run of the system; "" where it cannot be known.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func sameBoot(recorded, current string) bool { return recorded == current }
