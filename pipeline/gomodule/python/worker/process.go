package worker

import (
	"bufio"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/goempy/goempy/internal/procgroup"
	"github.com/goempy/goempy/python"
)

//go:embed boot.py
var bootSource string

//go:embed worker.py
var workerSource string

// stopDelay is how long a process that is no longer needed may take to end by itself.
const stopDelay = 5 * time.Second

// exitDelay is how long one may take that gives no more answers: it is about to end, with the
// status that the error has to name.
const exitDelay = 200 * time.Millisecond

// outputDelay is how long a process that has ended is waited for, if others hold its output.
const outputDelay = time.Second

// reservedLen is what answers may have that are no results, whatever MaxMessage says.
const reservedLen = 4 << 20

// process is one Python process. It serves one call at a time.
type process struct {
	stdin  io.WriteCloser
	output *lineWriter
	logger *slog.Logger
	limit  int

	// kill ends the process with all that it has started.
	kill context.CancelFunc

	// answers gets one frame for each call. It is closed when there will be no more.
	answers chan frame

	// exited is closed when the process is gone; died is set then.
	exited chan struct{}
	died   *DiedError

	calls  int  // that it has taken
	doomed bool // it is being killed

	stopping atomic.Bool // it ends by itself
	request  []byte      // the last one, to use its memory again
	timeout  *time.Timer // while it is idle
}

// startProcess starts a process, which is not ready yet.
func startProcess(py python.CommandContexter, c *config, out *sharedWriter) (*process, error) {
	ctx, kill := context.WithCancel(context.Background())
	mark := rand.Text()
	// They end with the Go program, whatever way that ends.
	cmd, err := py.PythonCmdContext(procgroup.UntilExit(ctx), "-c", bootSource, strconv.Itoa(len(workerSource)), mark)
	if err != nil {
		kill()
		return nil, err
	}
	p := &process{
		output:  &lineWriter{to: out},
		logger:  c.logger,
		limit:   max(c.maxMessage, reservedLen),
		kill:    kill,
		answers: make(chan frame, 1),
		exited:  make(chan struct{}),
	}
	if c.command != nil {
		c.command(cmd)
	}
	cmd.Stderr = p.output // Wait copies, so the group's end is watched: see procgroup
	cmd.WaitDelay = outputDelay
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		kill()
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		kill()
		return nil, err
	}
	p.stdin = stdin
	go p.read(cmd, bufio.NewReaderSize(stdout, 64<<10), []byte(mark))
	return p, nil
}

// read passes on what the process writes, until it ends.
func (p *process) read(cmd *exec.Cmd, r *bufio.Reader, mark []byte) {
	defer close(p.exited)
	err := skipTo(r, mark, p.output)
	for err == nil {
		err = p.readFrame(r)
	}
	close(p.answers)
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		_, _ = fmt.Fprintln(p.output, "worker:", err)
	}
	if !p.stopping.Load() {
		time.AfterFunc(exitDelay, p.kill)
	}
	_ = cmd.Wait()
	p.kill()
	_ = cmd.Cancel() // kills what it has started
	p.died = &DiedError{State: cmd.ProcessState, Output: p.output.finish()}
}

func (p *process) readFrame(r io.Reader) error {
	f, err := readFrame(r, p.limit)
	if err != nil {
		return err
	}
	if f.kind == kindLog && p.logger != nil {
		return logTo(p.logger, f.body)
	}
	select {
	case p.answers <- f:
		return nil
	default:
		return errors.New("an answer without a call")
	}
}

// prepare gives the process its source and hello, and waits until it is ready.
func (p *process) prepare(hello []byte, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	p.request = appendCall([]byte(workerSource), "", kindJSON, hello)
	f, err := p.exchange(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		<-p.exited
		return fmt.Errorf("%w (%v)%s", ErrStartTimeout, timeout, p.died.lines())
	}
	if err != nil {
		return err
	}
	return f.failure()
}

// call has a function called.
func (p *process) call(ctx context.Context, name string, k kind, body []byte) (frame, error) {
	p.calls++
	p.request = appendCall(p.request[:0], name, k, body)
	return p.exchange(ctx)
}

// exchange sends the request and waits for the answer. The end of ctx ends the process.
func (p *process) exchange(ctx context.Context) (frame, error) {
	stop := context.AfterFunc(ctx, p.kill)
	defer func() { p.doomed = !stop() }()
	if _, err := p.stdin.Write(p.request); err != nil {
		p.kill()
	}
	if cap(p.request) > reservedLen {
		p.request = nil
	}
	select {
	case f, ok := <-p.answers:
		if ok {
			return f, nil
		}
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		p.kill() // stop may be called before the context calls what it stops
		return frame{}, err
	}
	<-p.exited
	return frame{}, p.died
}

// alive says whether the process can take another call.
func (p *process) alive() bool {
	if p.doomed {
		return false
	}
	select {
	case <-p.answers: // is closed
		return false
	default:
		return true
	}
}

// stop lets a process that serves no call end by itself.
func (p *process) stop() {
	p.stopping.Store(true)
	_ = p.stdin.Close()
	time.AfterFunc(stopDelay, p.kill)
}
