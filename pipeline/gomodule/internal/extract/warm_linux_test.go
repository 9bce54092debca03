package extract

import (
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// TestWarmStartOpensNoFile has the kernel report which files are opened.
func TestWarmStartOpensNoFile(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.ManyFiles(60))
	tree := start(t, packed).Dir()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Skipf("cannot watch files here: %v", err)
	}
	defer unix.Close(fd)
	testtree.Must(t, filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		_, err = unix.InotifyAddWatch(fd, path, unix.IN_OPEN|unix.IN_ACCESS)
		return err
	}))
	// opened counts what happened to files since the last call.
	opened := func() int {
		n := 0
		for buf := make([]byte, 1<<16); ; {
			size, err := unix.Read(fd, buf)
			if err == unix.EAGAIN {
				return n
			}
			testtree.Must(t, err)
			for b := buf[:size]; len(b) >= unix.SizeofInotifyEvent; {
				mask := binary.NativeEndian.Uint32(b[4:])
				if mask&unix.IN_Q_OVERFLOW != 0 || mask&unix.IN_ISDIR == 0 {
					n++
				}
				b = b[unix.SizeofInotifyEvent+int(binary.NativeEndian.Uint32(b[12:])):]
			}
		}
	}
	opened()
	if again := start(t, packed); again.at.fresh {
		t.Fatal("not a warm start")
	}
	if n := opened(); n > 0 {
		t.Errorf("a warm start opened or read files %d times", n)
	}
	// One that differs is read, and the watch sees that.
	testtree.Must(t, os.Chtimes(filepath.Join(tree, "bin", "python3"), time.Unix(1, 0), time.Unix(1, 0)))
	start(t, packed)
	if n := opened(); n == 0 || n > 4 {
		t.Errorf("a start that has to read one file opened or read files %d times", n)
	}
}
