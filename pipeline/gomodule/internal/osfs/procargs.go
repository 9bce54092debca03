//go:build !windows

package osfs

import (
	"encoding/binary"
	"path/filepath"
	"strings"
)

// parseProcArgs reads what macOS says about a process: how many arguments it has, its
// program, some NULs, and then arguments and environment, each with a NUL at its end.
func parseProcArgs(b []byte) (program string, environ []string) {
	const countSize = 4
	if len(b) < countSize {
		return "", nil
	}
	count := int(binary.NativeEndian.Uint32(b))
	program, rest, _ := strings.Cut(string(b[countSize:]), "\x00")
	fields := strings.Split(strings.TrimLeft(rest, "\x00"), "\x00")
	return program, fields[min(count, len(fields)):]
}

// pythonPathOf returns the directories of PYTHONPATH in an environment.
func pythonPathOf(environ []string) []string {
	for _, kv := range environ {
		if value, ok := strings.CutPrefix(kv, "PYTHONPATH="); ok {
			return filepath.SplitList(value)
		}
	}
	return nil
}
