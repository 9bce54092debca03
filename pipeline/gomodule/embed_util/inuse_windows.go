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

// isInUse says that a file cannot be changed. Windows does not always tell apart
// whether it is open or this user may not change it.
func isInUse(err error) bool {
	return errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION) ||
		errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_USER_MAPPED_FILE)
}

// renameRetry renames, and tries again while something holds the file for a
// moment.
func renameRetry(from, to string) error { return renameFor(renamePatience, from, to) }

func renameFor(patience time.Duration, from, to string) error {
	for start, wait := time.Now(), time.Millisecond; ; wait *= 2 {
		err := os.Rename(from, to)
		if !isInUse(err) || time.Since(start) > patience {
			return err
		}
		time.Sleep(wait)
	}
}

// renameOver is renameRetry onto a file that may be a running program: Windows
// does not let it be replaced or removed, but lets it be renamed, to aside.
func renameOver(from, to, aside string) error {
	if err := renameFor(renamePatience/20, from, to); !isInUse(err) {
		return err
	}
	if os.Rename(to, aside) != nil {
		return renameRetry(from, to)
	}
	err := renameRetry(from, to)
	if err != nil {
		_ = os.Rename(aside, to)
	}
	return err
}

// removeOver removes a file that may be a running program, or moves it to aside.
func removeOver(root *os.Root, name, aside string) error {
	err := root.Remove(name)
	if isInUse(err) && os.Rename(filepath.Join(root.Name(), name), aside) == nil {
		return nil
	}
	return err
}

// inUseError says which programs run from a tree that cannot be changed. Other
// errors it returns as they are.
func inUseError(err error, tree string) error {
	if !isInUse(err) {
		return err
	}
	if running := checkNotRunning(tree); running != nil {
		return fmt.Errorf("%w: %w", running, err)
	}
	return fmt.Errorf("%w: a program has files in %s open, or this user may not change them: "+
		"end programs that use it and try again: %w", ErrInUse, tree, err)
}

// checkNotRunning returns an error when programs run from a tree.
func checkNotRunning(tree string) error {
	programs := programsIn(tree)
	if len(programs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: end %s and try again", ErrInUse, strings.Join(programs, ", "))
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
