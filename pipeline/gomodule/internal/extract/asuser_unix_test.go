//go:build unix

package extract

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/goempy/goempy/internal/testtree"
)

// otherUID is a user that owns nothing here.
const otherUID = 54321

// credential makes a command run as another user.
func credential(cmd *exec.Cmd, uid uint32) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}

// asUser runs tests of this binary as a user without privileges, with payloads of one layout:
// what a user may do is the same with each.
func asUser(t *testing.T, tests string) {
	t.Helper()
	exe, err := os.Executable()
	testtree.Must(t, err)
	dir := openDir(t)
	copied := filepath.Join(dir, "tests")
	copyProgram(t, exe, copied)
	cmd := exec.Command(copied, "-test.v", "-test.run", "^("+tests+")$", "-test.skip", "/^(stream|frames)$")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	credential(cmd, otherUID)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("as user %d: %v\n%s", otherUID, err, out)
	}
	for _, name := range strings.Split(tests, "|") {
		if !bytes.Contains(out, []byte("\n--- PASS: "+name+" ")) {
			t.Errorf("as user %d: %s did not run\n%s", otherUID, name, out)
		}
	}
}

// copyProgram puts a program where another user may run it.
func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	if os.Link(from, to) == nil {
		return
	}
	data, err := os.ReadFile(from)
	testtree.Must(t, err)
	testtree.Must(t, os.WriteFile(to, data, 0o755))
}

// openDir returns a directory like /tmp, which every user can reach.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "goempy-test-")
	testtree.Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	testtree.Must(t, os.Chmod(dir, os.ModeSticky|0o777))
	return dir
}
