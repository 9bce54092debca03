package osfs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/goempy/goempy/internal/testtree"
)

func TestLockOfARemovedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := TakeLock(t.Context(), path, WaitExclusive)
	testtree.Must(t, err)
	defer first.Close()
	second, err := OpenLock(path)
	testtree.Must(t, err)
	defer second.Close()
	if os.Remove(path) != nil {
		t.Skip("this system keeps files that are open")
	}
	// A third one makes the file anew, perhaps with the number of the old one.
	third, err := TakeLock(t.Context(), path, WaitExclusive)
	testtree.Must(t, err)
	defer third.Close()
	testtree.Must(t, first.Close())
	if l, err := second.Take(t.Context(), WaitExclusive); !errors.Is(err, ErrGone) || l != nil {
		t.Errorf("locked a file that is not there: %v, %v", l, err)
	}
}
