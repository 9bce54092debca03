package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goempy/goempy/python/worker"
)

// newPool makes a pool for testdata/functions.py, with what its processes write.
func newPool(t *testing.T, opts ...worker.Option) (*worker.Pool, *lockedBuffer) {
	t.Helper()
	out := &lockedBuffer{}
	p, err := worker.NewPool(functions(t), "functions", append([]worker.Option{worker.Output(out)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		if err := p.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return p, out
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// call calls a function that must succeed.
func call[Response any](t *testing.T, p *worker.Pool, function string, request any) Response {
	t.Helper()
	response, err := worker.Call[any, Response](t.Context(), p, function, request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// callFails calls a function that must not, and returns the error.
func callFails(t *testing.T, p *worker.Pool, function string, request any) error {
	t.Helper()
	response, err := worker.Call[any, any](t.Context(), p, function, request)
	if err == nil {
		t.Fatalf("%s returned %v", function, response)
	}
	return err
}

func TestValuesOfJSON(t *testing.T) {
	p, _ := newPool(t)
	type point struct {
		X, Y int
		Name string
	}
	want := point{1, -2, "größe 漢 \x00 😀"}
	got, err := worker.Call[point, point](t.Context(), p, "echo", want)
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if got := call[any](t, p, "echo", nil); got != nil {
		t.Errorf("null became %v", got)
	}
	if got := call[json.RawMessage](t, p, "echo", []int{1, 2}); string(got) != "[1,2]" {
		t.Errorf("%s", got)
	}
}

func TestBytesAreNotEncoded(t *testing.T) {
	p, _ := newPool(t)
	all := make([]byte, 1<<20)
	for i := range all {
		all[i] = byte(i)
	}
	got, err := worker.Call[[]byte, []byte](t.Context(), p, "echo", all)
	if err != nil || !bytes.Equal(got, all) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if got := call[any](t, p, "upper", []byte("abc")); string(got.([]byte)) != "ABC" {
		t.Errorf("%v", got)
	}
	if _, err := worker.Call[string, []byte](t.Context(), p, "echo", "text"); !errors.Is(err, worker.ErrNotJSON) {
		t.Errorf("text as []byte: %v", err)
	}
	if _, err := worker.Call[[]byte, string](t.Context(), p, "echo", all[:1]); !errors.Is(err, worker.ErrNotJSON) {
		t.Errorf("bytes as text: %v", err)
	}
}

func TestExceptionIsAnErrorWithFrames(t *testing.T) {
	p, _ := newPool(t)
	before := call[int](t, p, "pid", nil)
	err := callFails(t, p, "fail", "key")
	var e *worker.PythonError
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if e.Type() != "KeyError" || e.Message != "'key'" {
		t.Errorf("%s, %s", e.Type(), e.Message)
	}
	if len(e.Frames) != 1 || e.Frames[0].Function != "fail" || !strings.Contains(e.Frames[0].Code, "raise KeyError") {
		t.Errorf("%+v", e.Frames)
	}
	if !strings.Contains(e.Traceback, "ValueError: cause") {
		t.Errorf("no cause in %s", e.Traceback)
	}
	for name, want := range map[worker.Exception]bool{"KeyError": true, "LookupError": true, "Exception": true, "ValueError": false} {
		if errors.Is(err, name) != want {
			t.Errorf("errors.Is(%s) is %v", name, !want)
		}
	}
	if after := call[int](t, p, "pid", nil); after != before {
		t.Error("the process did not stay")
	}
}

func TestErrorsThatTheProcessOutlives(t *testing.T) {
	p, _ := newPool(t, worker.MaxMessage(1000))
	before := call[int](t, p, "pid", nil)
	for _, c := range []struct {
		function string
		request  any
		want     error
	}{
		{"ehco", nil, worker.ErrUnknownFunction},
		{"calls", nil, worker.ErrUnknownFunction},
		{"not_json", nil, worker.ErrNotJSON},
		{"not_finite", nil, worker.ErrNotJSON},
		{"echo", math.NaN(), worker.ErrNotJSON},
		{"large", 1000, worker.ErrTooLarge},
		{"echo", strings.Repeat("x", 1000), worker.ErrTooLarge},
		{"exits", 3, worker.Exception("SystemExit")},
		{"lazy", nil, worker.Exception("ImportError")},
		{"released", nil, worker.Exception("ValueError")},
		{"not UTF-8 \xff", nil, worker.ErrUnknownFunction},
	} {
		if err := callFails(t, p, c.function, c.request); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.function, err)
		}
	}
	if err := callFails(t, p, "ehco", nil); !strings.Contains(err.Error(), `"echo"`) {
		t.Errorf("the nearest name is missing: %v", err)
	}
	if after := call[int](t, p, "pid", nil); after != before {
		t.Error("the process did not stay")
	}
}

func TestTruncatedCallIsNotMade(t *testing.T) {
	p, out := newPool(t)
	if err := p.SendPart("sleep", []byte("12")); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "" {
		t.Errorf("%q", got)
	}
}

func TestOutputIsNoPartOfTheProtocol(t *testing.T) {
	p, out := newPool(t, worker.Command(func(c *exec.Cmd) {
		c.Env = append(c.Environ(), "PYTHONIOENCODING=cp1252") // as on Windows
	}))
	if got := call[string](t, p, "noise", "größe 漢"); got != "" {
		t.Errorf("standard input has %q", got)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.ReplaceAll(out.String(), "\r", ""), "größe 漢\nfrom descriptor 1\nfrom a child\n"; got != want {
		t.Errorf("%q", got)
	}
}

func TestDeathHasStatusAndLastLines(t *testing.T) {
	p, _ := newPool(t)
	err := callFails(t, p, "leave", 3)
	var died *worker.DiedError
	if !errors.As(err, &died) || !errors.Is(err, worker.ErrDied) {
		t.Fatal(err)
	}
	if died.State.ExitCode() != 3 || died.Output != "last words" {
		t.Errorf("%v, %q", died.State, died.Output)
	}
	call[int](t, p, "pid", nil) // another process
}

func TestInit(t *testing.T) {
	p, _ := newPool(t, worker.Init("start", map[string]int{"a": 1}))
	if got := call[map[string]int](t, p, "init_value", nil); got["a"] != 1 {
		t.Errorf("%v", got)
	}
}

func TestStartThatFails(t *testing.T) {
	py := functions(t)
	for _, c := range []struct {
		module string
		opts   []worker.Option
		want   error
	}{
		{"no_such_module", nil, worker.Exception("ModuleNotFoundError")},
		{"functions", []worker.Option{worker.Init("start", "refuse")}, worker.Exception("RuntimeError")},
		{"functions", []worker.Option{worker.Init("sleep", 600), worker.StartTimeout(time.Second)}, worker.ErrStartTimeout},
		{"functions", []worker.Option{worker.Init("leave", 3), worker.Output(nil)}, worker.ErrDied},
	} {
		_, err := worker.NewPool(py, c.module, append(c.opts, worker.Prestart())...)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.module, err)
		}
	}
}

func TestLogging(t *testing.T) {
	var b lockedBuffer
	p, _ := newPool(t, worker.Logger(slog.New(slog.NewJSONHandler(&b, nil))))
	call[any](t, p, "log", "text")
	var entry struct {
		Level, Msg, Logger, Exception, Odd string
		N                                  int64
		X                                  float64
		Large                              json.Number
	}
	if err := json.Unmarshal([]byte(b.String()), &entry); err != nil {
		t.Fatalf("%v: %s", err, b.String())
	}
	if entry.Level != "WARN" || entry.Msg != "text!" || entry.Logger != "test.logger" || entry.N != math.MaxInt64 || entry.X != 0.5 || len(entry.Large) != 401 || entry.Odd != "{1}" ||
		!strings.HasSuffix(entry.Exception, "ValueError: why\n") {
		t.Errorf("%+v", entry)
	}
}

func TestLoggingInterruptsLogging(t *testing.T) {
	var b lockedBuffer
	p, _ := newPool(t, worker.Logger(slog.New(slog.NewTextHandler(&b, nil))))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	got, err := worker.Call[string, string](ctx, p, "log_while_logging", "text")
	if err != nil || got != "text" || !strings.Contains(b.String(), "outer") || !strings.Contains(b.String(), "inner") {
		t.Errorf("%q, %v, %s", got, err, b.String())
	}
}

func TestCommandIsConfigured(t *testing.T) {
	dir := t.TempDir()
	py := functions(t)
	p, err := worker.NewPool(py, "os", worker.Command(func(c *exec.Cmd) {
		c.Dir = dir
		c.Env = append(c.Env, "NAME_OF_TEST=value")
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if got := call[string](t, p, "getenv", "NAME_OF_TEST"); got != "value" {
		t.Errorf("%q", got)
	}
	if got := call[[]string](t, p, "listdir", "."); len(got) != 0 {
		t.Errorf("%q", got)
	}
}
