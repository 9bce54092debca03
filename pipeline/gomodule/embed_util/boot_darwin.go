package embed_util

import "syscall"

// bootID names this run of the system; "" where it cannot be known.
func bootID() string {
	id, err := syscall.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}

func sameBoot(recorded, current string) bool { return recorded == current }
