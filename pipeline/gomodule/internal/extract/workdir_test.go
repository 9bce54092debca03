package extract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

func TestWorkDirsOfDeadProcessesAreRemoved(t *testing.T) {
	testtree.OwnPlaces(t)
	first, err := NewWorkDir()
	testtree.Must(t, err)
	defer first.Remove()
	testtree.Must(t, os.WriteFile(filepath.Join(first.Path(), "file"), []byte("x"), 0o600))

	cmd := helper(t, testpayload.Pack(t, nil), workEnv+"=1")
	in, err := cmd.StdinPipe()
	testtree.Must(t, err)
	out, err := cmd.StdoutPipe()
	testtree.Must(t, err)
	testtree.Must(t, cmd.Start())
	line := make([]byte, 4096)
	n, err := out.Read(line)
	testtree.Must(t, err)
	other := strings.TrimSpace(string(line[:n]))
	testtree.Must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	_ = in.Close()
	if _, err := os.Stat(filepath.Join(other, "file")); err != nil {
		t.Fatalf("the other process has left %s: %v", other, err)
	}

	second, err := NewWorkDir()
	testtree.Must(t, err)
	mustBeGone(t, other)
	if _, err := os.Stat(filepath.Join(first.Path(), "file")); err != nil {
		t.Errorf("a directory in use was removed: %v", err)
	}
	if filepath.Dir(second.Path()) != filepath.Dir(first.Path()) || second.Path() == first.Path() {
		t.Errorf("%s and %s", first.Path(), second.Path())
	}
	second.Remove()
	mustBeGone(t, second.Path())
}
