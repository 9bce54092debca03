package worker_test

import (
	"io"
	"testing"

	"github.com/goempy/goempy/python/worker"
)

// BenchmarkCall is one call after the other in one process.
func BenchmarkCall(b *testing.B) {
	p, err := worker.NewPool(functions(b), "functions", worker.Prestart())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = p.Close() })
	for b.Loop() {
		if _, err := worker.Call[string, string](b.Context(), p, "echo", "hello"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProcess is a process for each call.
func BenchmarkProcess(b *testing.B) {
	py := functions(b)
	for b.Loop() {
		cmd, err := py.PythonCmd("-c", "import sys; sys.stdout.write('hello')")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := cmd.Output(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPingPong is the limit: bytes to a Python process and back, and nothing else.
func BenchmarkPingPong(b *testing.B) {
	cmd, err := functions(b).PythonCmd("-c", "import os\nwhile os.write(1, os.read(0, 20)): pass")
	if err != nil {
		b.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	message := make([]byte, 20)
	for b.Loop() {
		if _, err := stdin.Write(message); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(stdout, message); err != nil {
			b.Fatal(err)
		}
	}
}
