//go:build !unix

package procgroup

// IsHelper says that a process is of this one and needs no files.
func IsHelper(int) bool { return false }

// guard has nothing to do: on Windows the job of a command ends with this process.
func guard(string, []string) ([]string, error) { return nil, nil }
