//go:build windows || (unix && !aix)

package osfs

import "os"

// IsCurrent says whether the path still leads to what was opened.
func (l *FileLock) IsCurrent() bool {
	mine, err := l.f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(l.path)
	return err == nil && os.SameFile(mine, there)
}

// Close ends the lock.
func (l *FileLock) Close() error {
	if l == nil {
		return nil
	}
	return l.f.Close()
}
