package worker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/goempy/goempy/python"
	"github.com/goempy/goempy/python/worker"
)

// shared is the embedded Python, or in a tree without payload the one on PATH. Its path has
// testdata.
var shared func() (python.Python, error)

// helperEnv makes the test binary a program that makes a call which does not end.
const helperEnv = "GOEMPY_TEST_WORKER"

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "goempy-test-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	shared = sync.OnceValues(func() (python.Python, error) {
		py := python.NewPython()
		if python.Version != "" {
			ep, err := python.NewEmbeddedPythonWithTmpDir(filepath.Join(dir, "python"), true)
			if err != nil {
				return nil, err
			}
			py = ep
		}
		testdata, err := filepath.Abs("testdata")
		if err != nil {
			return nil, err
		}
		// In the source tree, which is what tags are made of, nothing is written.
		if err := os.Setenv("PYTHONDONTWRITEBYTECODE", "1"); err != nil {
			return nil, err
		}
		py.AddPythonPath(testdata)
		_, err = py.GetExePath()
		return py, err
	})
	if os.Getenv(helperEnv) != "" {
		return endlessCall()
	}
	return m.Run()
}

func functions(t testing.TB) python.Python {
	t.Helper()
	py, err := shared()
	if err != nil && python.Version == "" {
		t.Skip("needs a Python on PATH: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return py
}

// endlessCall prints the number of a process that a worker has started, and then has the worker
// sleep.
func endlessCall() int {
	py, err := shared()
	if err == nil {
		var p *worker.Pool
		if p, err = worker.NewPool(py, "functions"); err == nil {
			var child int
			if child, err = worker.Call[any, int](context.Background(), p, "child", nil); err == nil {
				fmt.Println(child)
				_, err = worker.Call[int, any](context.Background(), p, "sleep", 600)
			}
		}
	}
	fmt.Println(err)
	return 1
}
