//go:build unix && !aix

package osfs

import (
	"golang.org/x/sys/unix"
)

// ReadFile is os.ReadFile for a small file that is not a pipe or device. It goes around
// os.File, which asks the system whether a file can be polled.
func ReadFile(path string) ([]byte, error) {
	fd, err := openRetry(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, pathError("open", path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, pathError("stat", path, err)
	}
	data := make([]byte, 0, max(st.Size, 511)+1) // files of /proc say that they have no size
	for {
		n := 0
		err := retry(func() (err error) {
			n, err = unix.Read(fd, data[len(data):cap(data)])
			return err
		})
		if err != nil || n == 0 {
			return data, pathError("read", path, err)
		}
		if data = data[:len(data)+n]; len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
	}
}
