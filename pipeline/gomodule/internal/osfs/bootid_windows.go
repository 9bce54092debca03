package osfs

import (
	"strconv"
	"time"

	"golang.org/x/sys/windows"
)

// BootID is the moment the system started, in Unix seconds.
func BootID() string {
	return strconv.FormatInt(time.Now().Add(-windows.DurationSinceBoot()).Unix(), 10)
}

// SameBoot allows for a clock that is corrected while the system runs. Two
// boots are always further apart than that.
func SameBoot(recorded, current string) bool {
	const slack = 10
	a, errA := strconv.ParseInt(recorded, 10, 64)
	b, errB := strconv.ParseInt(current, 10, 64)
	return errA == nil && errB == nil && a-b <= slack && b-a <= slack
}
