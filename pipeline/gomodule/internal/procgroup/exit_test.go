package procgroup

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleEnv makes the test binary one of the programs of these tests.
const roleEnv = "GOEMPY_TEST_ROLE"

// howEnv is how the Go program ends, and pythonEnv the interpreter that it runs.
const (
	howEnv    = "GOEMPY_TEST_HOW"
	pythonEnv = "GOEMPY_TEST_INTERPRETER"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "":
		os.Exit(m.Run())
	case "program":
		program(os.Getenv(howEnv))
	case "child": // on Windows, which has no Python here
		_ = os.Setenv(roleEnv, "grandchild")
		cmd := exec.Command(os.Args[0])
		cmd.Stdout = os.Stdout
		if err := cmd.Start(); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println("ready")
	time.Sleep(100 * time.Second)
	fmt.Println("survived")
}

// family is a Python program with a child in its process group, and on Linux one that has
// left it; each has lost the other thing that it is known by. All have its output.
const family = `
import subprocess, sys
say = "echo ready; sleep 100; echo survived"
subprocess.Popen(["/bin/sh", "-c", say], env={"PATH": "/usr/bin:/bin"})
subprocess.Popen(["/bin/sh", "-c", say if sys.platform == "linux" else "echo ready"], start_new_session=True)
subprocess.call(["/bin/sh", "-c", say])
`

// program is a Go program that starts a command and ends.
func program(how string) {
	_ = os.Setenv(roleEnv, "child")
	start := func(code string) {
		cmd, err := PythonUntilExit(context.Background(), os.Getenv(pythonEnv), os.Environ(), "-c", code)
		if err == nil {
			cmd.Stdout = os.Stdout
			err = cmd.Start()
		}
		if err != nil {
			fmt.Println("error", err)
		}
	}
	if how == "while it starts" {
		for {
			start("import time; time.sleep(100); print('survived')")
			time.Sleep(10 * time.Millisecond)
		}
	}
	start(family)
	if how == "another watchdog" {
		killWatchdog()
		// In one write, which print is not if PYTHONUNBUFFERED is set: others write, too.
		start("import os; os.write(1, b'ready\\n')")
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
	if how == "panic" {
		panic("at the end")
	}
	os.Exit(0)
}

func pythonForTest(t *testing.T) (exe string, ready int) {
	t.Helper()
	if runtime.GOOS == "windows" {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		return exe, 2
	}
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Skip("needs a Python: ", err)
	}
	return strings.TrimSpace(string(out)), 3
}

func TestNothingOutlivesTheProgram(t *testing.T) {
	python, ready := pythonForTest(t)
	ways := map[string]func(p *os.Process, in io.Closer) error{
		"SIGKILL":          func(p *os.Process, _ io.Closer) error { return p.Kill() },
		"exit":             func(_ *os.Process, in io.Closer) error { return in.Close() },
		"panic":            func(_ *os.Process, in io.Closer) error { return in.Close() },
		"SIGTERM":          func(p *os.Process, _ io.Closer) error { return p.Signal(syscall.SIGTERM) },
		"another watchdog": func(p *os.Process, _ io.Closer) error { return p.Kill() },
		"while it starts": func(p *os.Process, _ io.Closer) error {
			time.Sleep(rand.N(100 * time.Millisecond))
			return p.Kill()
		},
	}
	if runtime.GOOS == "windows" {
		delete(ways, "SIGTERM")
		delete(ways, "another watchdog")
	}
	if runtime.GOOS != "linux" { // elsewhere the last instant is not covered
		delete(ways, "while it starts")
	}
	for how, end := range ways {
		t.Run(how, func(t *testing.T) {
			ready := ready
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(exe)
			cmd.Env = append(os.Environ(), roleEnv+"=program", howEnv+"="+how, "GORACE=atexit_sleep_ms=0", pythonEnv+"="+python)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
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
			if how == "another watchdog" {
				ready++
			}
			for n := 0; how != "while it starts" && n < ready && lines.Scan(); n++ {
				if lines.Text() != "ready" {
					t.Fatal(lines.Text())
				}
			}
			if err := end(cmd.Process, in); err != nil {
				t.Error(err)
			}
			_ = cmd.Wait()
			for lines.Scan() { // to the end of the last process that has the output
				t.Error(lines.Text())
			}
		})
	}
}
