package osfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// renamePatience is how long a rename is tried while a virus scanner or an
// indexer holds the file.
const renamePatience = 2 * time.Second

// IsInUse says that a file cannot be changed. Windows does not always distinguish
// one that is open from one that this user may not change.
func IsInUse(err error) bool {
	return errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION) ||
		errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_USER_MAPPED_FILE)
}

// Rename renames, and tries again while something holds the file for a
// moment.
func Rename(from, to string) error { return renameFor(renamePatience, from, to) }

func renameFor(patience time.Duration, from, to string) error {
	for start, wait := time.Now(), time.Millisecond; ; wait *= 2 {
		err := os.Rename(from, to)
		if !IsInUse(err) || time.Since(start) > patience {
			return err
		}
		time.Sleep(wait)
	}
}

// ReplaceFile is Rename onto a file that may be a running program: Windows
// does not let it be replaced or removed, but lets it be renamed, to aside.
func ReplaceFile(from, to, aside string) error {
	if err := renameFor(renamePatience/20, from, to); !IsInUse(err) {
		return err
	}
	if os.Rename(to, aside) != nil {
		return Rename(from, to)
	}
	err := Rename(from, to)
	if err != nil {
		_ = os.Rename(aside, to)
	}
	return err
}

// RemoveFile removes a file that may be a running program, or moves it to aside.
func RemoveFile(root *os.Root, name, aside string) error {
	err := root.Remove(name)
	if IsInUse(err) && os.Rename(filepath.Join(root.Name(), name), aside) == nil {
		return nil
	}
	return err
}

// InUseError says which programs run from the first of dirs, which cannot be changed,
// and from the others. Other errors it returns as they are.
func InUseError(err error, dirs ...string) error {
	if !IsInUse(err) {
		return err
	}
	if running := CheckNotRunning(dirs...); running != nil {
		return fmt.Errorf("%w: %w", running, err)
	}
	return fmt.Errorf("%w: a program has files in %s open, or this user may not change them: "+
		"end programs that use it and try again: %w", ErrInUse, dirs[0], err)
}

// CheckNotRunning returns an error when programs run from dirs.
func CheckNotRunning(dirs ...string) error {
	programs := programsIn(dirs)
	if len(programs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: end %s and try again", ErrInUse, strings.Join(programs, ", "))
}

// programsIn lists the processes whose program is below one of dirs, as far as this
// user may see them.
func programsIn(dirs []string) []string {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return nil
	}
	defer windows.CloseHandle(snapshot)
	var found []string
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(snapshot, &entry); err == nil; err = windows.Process32Next(snapshot, &entry) {
		program := programOf(entry.ProcessID)
		if slices.ContainsFunc(dirs, func(dir string) bool { return isBelow(program, dir) }) {
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

func isBelow(path, dir string) bool {
	dir += sep
	return len(path) > len(dir) && strings.EqualFold(path[:len(dir)], dir)
}
