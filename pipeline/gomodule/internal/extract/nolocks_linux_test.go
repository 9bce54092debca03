//go:build amd64 || arm64

package extract

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// errnoEnv makes flock fail in the test binary, with this number: so do some network file
// systems and sandboxes.
const errnoEnv = "GOEMPY_TEST_FLOCK_ERRNO"

// refuseLocks installs a seccomp filter in all threads.
func refuseLocks() {
	errno, err := strconv.ParseUint(os.Getenv(errnoEnv), 10, 16)
	if err != nil {
		return
	}
	const number = 0 // of the call, in struct seccomp_data
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FLOCK, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	_, _, failed := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if failed != 0 {
		panic(failed)
	}
}

// needSeccomp skips a test where there are no such filters, as under QEMU.
func needSeccomp(t *testing.T) {
	t.Helper()
	if _, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0); err != nil {
		t.Skip("needs seccomp: ", err)
	}
}

// Without locks a rename decides who extracts, and nothing is removed.
func TestWithoutLocks(t *testing.T) {
	needSeccomp(t)
	for _, errno := range []unix.Errno{unix.ENOSYS, unix.ENOLCK, unix.EOPNOTSUPP} {
		t.Run(unix.ErrnoName(errno), func(t *testing.T) {
			testtree.OwnPlaces(t)
			nodes := testtree.ManyFiles(50)
			packed := testpayload.Pack(t, nodes)
			env := errnoEnv + "=" + strconv.Itoa(int(errno))
			want := testtree.Of(t, nodes)
			start := func(n int) (tree string) {
				t.Helper()
				cmds, outs := make([]*exec.Cmd, n), make([]bytes.Buffer, n)
				for i := range cmds {
					cmds[i] = helper(t, packed, env)
					cmds[i].Stdout, cmds[i].Stderr = &outs[i], &outs[i]
					testtree.Must(t, cmds[i].Start())
				}
				for i, cmd := range cmds {
					if err := cmd.Wait(); err != nil {
						t.Errorf("start %d: %v: %s", i, err, outs[i].String())
					}
					_, tree, _ = strings.Cut(strings.TrimSpace(outs[i].String()), " ")
				}
				if got := testtree.Dump(t, tree); got != want {
					t.Errorf("tree is now:\n%s", got)
				}
				return tree
			}
			tree := start(6)
			if out, err := helper(t, packed, env).Output(); err != nil || !strings.HasPrefix(string(out), "warm ") {
				t.Errorf("a start that finds everything: %v %s", err, out)
			}
			testtree.Must(t, os.RemoveAll(filepath.Join(tree, "lib", "d1")))
			testtree.Must(t, os.WriteFile(filepath.Join(tree, "lib", "d2", "f2.py"), []byte("damaged"), 0o644))
			// What killed processes left is removed when it is old; who left the rest is not known.
			left := func(dir, name string, age time.Duration) string {
				path := filepath.Join(dir, name)
				testtree.Must(t, os.Mkdir(path, 0o700))
				testtree.Age(t, path, age)
				return path
			}
			const long = 2 * abandonedAge
			old1, old2 := left(tree+stateSuffix, "new-1-1", long), left(tree, stageName+"-1-1", long)
			young := left(tree+stateSuffix, "new-1-2", time.Hour)
			start(6)
			mustBeGone(t, old1, old2)
			if _, err := os.Stat(young); err != nil {
				t.Error(err)
			}

			old := start(1)
			testtree.Age(t, filepath.Join(old+stateSuffix, "use"), 48*time.Hour)
			cmd := helper(t, testpayload.Pack(t, testtree.ManyFiles(3)), env, pruneEnv+"=1")
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "pruned []") {
				t.Errorf("Prune: %v, %s", err, out)
			}
			if got := testtree.Dump(t, tree); got != want {
				t.Errorf("after Prune and Cleanup of others:\n%s", got)
			}
		})
	}
}

// Without locks nobody knows whose working directories are; those that are old are nobody's.
func TestWorkDirsWithoutLocks(t *testing.T) {
	needSeccomp(t)
	testtree.OwnPlaces(t)
	own, err := NewWorkDir()
	testtree.Must(t, err)
	defer own.Remove()
	left := func(age time.Duration) string {
		dir, err := os.MkdirTemp(filepath.Dir(own.Path()), workPrefix)
		testtree.Must(t, err)
		testtree.Must(t, os.WriteFile(workLock(dir), nil, 0o600))
		testtree.Age(t, dir, age)
		return dir
	}
	old, young := left(2*abandonedAge), left(2*workGrace)
	cmd := helper(t, testpayload.Pack(t, nil), workEnv+"=1", errnoEnv+"="+strconv.Itoa(int(unix.ENOLCK)))
	cmd.Stdin = strings.NewReader("end")
	testtree.Must(t, cmd.Run())
	mustBeGone(t, old)
	if _, err := os.Stat(young); err != nil {
		t.Error(err)
	}
}
