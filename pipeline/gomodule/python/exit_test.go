package python

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/procgroup"
)

func TestKillOnParentExitIsForAllCommands(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs a Python: ", err)
	}
	isWatched := func(cmd *exec.Cmd, err error) bool {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if out, err := cmd.Output(); err != nil || strings.TrimSpace(string(out)) != "1" {
			t.Errorf("%q, %v", out, err)
		}
		return slices.ContainsFunc(cmd.Env, func(kv string) bool { return strings.HasPrefix(kv, "GOEMPY_RUN_") })
	}
	const script = "#!/bin/sh\nexec python3 \"$@\"\n"
	ep, err := newFake(t, script, WithKillOnParentExit())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := newFake(t, script)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-c", "print(1)"}
	if !isWatched(ep.PythonCmd(args...)) || !isWatched(ep.PythonCmdContext(t.Context(), args...)) ||
		!isWatched(NewPython(WithKillOnParentExit()).PythonCmd(args...)) {
		t.Error("a command of the option runs on")
	}
	if !isWatched(plain.PythonCmdContext(procgroup.UntilExit(t.Context()), args...)) {
		t.Error("a command of the context runs on")
	}
	if isWatched(plain.PythonCmd(args...)) || isWatched(plain.PythonCmdContext(t.Context(), args...)) {
		t.Error("other commands end with the program, too")
	}
	if err := ep.Cleanup(); err != nil {
		t.Error(err)
	}
}

// The program is killed, its Python and what that has started end, and nothing claims the
// tree any more.
func TestPayloadKillOnParentExit(t *testing.T) {
	needPayload(t)
	dir := filepath.Join(t.TempDir(), "python")
	code := `import subprocess, sys, time
if len(sys.argv) == 1: subprocess.Popen([sys.executable, "-c", sys.orig_argv[-1], "child"])
print("ran", flush=True); time.sleep(100); print("survived")`
	cmd, _ := program(t, dir)
	cmd.Env = append(cmd.Env, codeEnv+"="+code)
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	lines := bufio.NewScanner(out)
	for n := 0; n < 2 && lines.Scan(); n++ {
		if lines.Text() != "ran" {
			t.Fatal(lines.Text())
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for lines.Scan() { // to the end of the last process that has the output
		t.Error(lines.Text())
	}
	// Its commands need no files of it, and do not keep it from being removed.
	ep, err := NewEmbeddedPythonWithTmpDir(dir, true, WithKillOnParentExit())
	if err != nil {
		t.Fatal(err)
	}
	if got := output(t, ep, "print('well')"); got != "well" {
		t.Errorf("got %q", got)
	}
	for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		// What has killed them may be there for a moment.
		if err = ep.Cleanup(); err == nil || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		t.Error(err)
	}
}
