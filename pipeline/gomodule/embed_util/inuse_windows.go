package embed_util

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// renamePatience is how long a rename is tried while a virus scanner or an
// indexer holds the file.
const renamePatience = 2 * time.Second

// isInUse says that a file cannot be changed, most likely because it is open.
func isInUse(err error) bool {
	return errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION) ||
		errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_USER_MAPPED_FILE)
}

// renameRetry renames, and tries again while something holds the file for a
// moment.
func renameRetry(from, to string) error {
	return retryRename(from, to, nil)
}

// renameOver is renameRetry to where a program may be that is running: Windows
// does not let it be replaced or removed, but lets it be renamed, to aside.
func renameOver(from, to, aside string) error {
	return retryRename(from, to, func() { _ = os.Rename(to, aside) })
}

func retryRename(from, to string, makeWay func()) error {
	for start, wait := time.Now(), time.Millisecond; ; wait *= 2 {
		err := os.Rename(from, to)
		if !isInUse(err) {
			return err
		}
		if makeWay != nil {
			makeWay()
			if err := os.Rename(from, to); !isInUse(err) {
				return err
			}
		}
		if time.Since(start) > renamePatience {
			return err
		}
		time.Sleep(wait)
	}
}

// inUseError says which programs run from a tree that cannot be changed. Other
// errors it returns as they are.
func inUseError(err error, tree string) error {
	if !isInUse(err) {
		return err
	}
	programs := programsIn(tree)
	if len(programs) == 0 {
		return fmt.Errorf("%w: a program has files in %s open, or this user may not change them: "+
			"end programs that use it and try again: %w", ErrInUse, tree, err)
	}
	return fmt.Errorf("%w: end %s and try again: %w", ErrInUse, strings.Join(programs, ", "), err)
}

// programsIn lists the processes whose program is below dir, as far as this
// user may see them.
func programsIn(dir string) []string {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return nil
	}
	defer windows.CloseHandle(snapshot)
	var found []string
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(snapshot, &entry); err == nil; err = windows.Process32Next(snapshot, &entry) {
		program := programOf(entry.ProcessID)
		// Moved aside, a running program is in the state directory.
		rest, isIn := cutPrefixFold(program, dir)
		if isIn && (strings.HasPrefix(rest, sep) || strings.HasPrefix(rest, stateSuffix+sep)) {
			found = append(found, fmt.Sprintf("%s (process %d)", filepath.Base(program), entry.ProcessID))
		}
	}
	return found
}

func programOf(pid uint32) string {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(process)
	name := make([]uint16, windows.MAX_LONG_PATH)
	size := uint32(len(name))
	if windows.QueryFullProcessImageName(process, 0, &name[0], &size) != nil {
		return ""
	}
	return windows.UTF16ToString(name[:size])
}

func cutPrefixFold(s, prefix string) (rest string, found bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
