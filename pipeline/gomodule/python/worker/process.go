package worker

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"sync"
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

// reservedLen is how long an answer may be that is not a result, whatever MaxMessage says.
const reservedLen = 4 << 20

// process is one Python process. It serves one call at a time.
type process struct {
	stdin  io.WriteCloser
	stdout *os.File
	frames *frameReader // from stdout
	output *lineWriter
	logger *slog.Logger

	// kill ends the process with all that it has started.
	kill context.CancelFunc

	// answers gets the frames of calls if there is a logger for the others: then stdout is read
	// at all times, and else by the calls, which take a quarter less time then. It is closed when
	// there will be no more.
	answers chan frame

	// reading is held by those that read from stdout, so that it is not closed before.
	reading sync.RWMutex

	// exited is closed when the process is gone; died is set then.
	exited chan struct{}
	died   *DiedError

	calls     int  // that it has taken
	doomed    bool // it is being killed
	wasIdle   bool
	untouched bool // it ended before it got the last call

	request []byte      // the last one, to use its memory again
	timeout *time.Timer // while it is idle
}

// startProcess starts a process, which is not ready yet.
func startProcess(py python.CommandContexter, c *config, out *sharedWriter) (*process, error) {
	ctx, kill := context.WithCancel(context.Background())
	mark := rand.Text()
	// They end with the Go program, however that ends.
	cmd, err := py.PythonCmdContext(procgroup.UntilExit(ctx), "-c", bootSource, strconv.Itoa(len(workerSource)), mark)
	if err != nil {
		kill()
		return nil, err
	}
	if c.command != nil {
		c.command(cmd)
	}
	p := &process{
		output: &lineWriter{to: out},
		logger: c.logger,
		kill:   kill,
		exited: make(chan struct{}),
	}
	cmd.Stderr = p.output // Wait copies, so the group's end is watched: see procgroup
	cmd.WaitDelay = outputDelay
	if err := p.start(cmd); err != nil {
		kill()
		return nil, err
	}
	p.frames = newFrameReader(p.stdout, []byte(mark), p.output, max(c.maxMessage, reservedLen))
	if p.logger != nil {
		p.answers = make(chan frame, 1)
		go p.readAll()
	}
	go p.wait(cmd)
	return p, nil
}

func (p *process) start(cmd *exec.Cmd) error {
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return err
	}
	// Not StdoutPipe, which Wait closes: the last answer may be in it.
	stdout, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	cmd.Stdout, p.stdout = w, stdout
	if err := cmd.Start(); err != nil {
		_ = stdout.Close()
		return err
	}
	return nil
}

// wait stays until the process is gone.
func (p *process) wait(cmd *exec.Cmd) {
	defer close(p.exited)
	_ = cmd.Wait()
	p.kill()
	_ = cmd.Cancel() // kills what it has started
	p.died = &DiedError{State: cmd.ProcessState, Output: p.output.finish()}

	// There may be a last answer. But what has left the group may hold the pipe for ever.
	late := time.AfterFunc(outputDelay, p.endRead)
	defer late.Stop()
	p.reading.Lock()
	defer p.reading.Unlock()
	_ = p.stdout.Close()
}

// readAll passes on answers and log entries, until there are no more.
func (p *process) readAll() {
	p.reading.RLock()
	defer p.reading.RUnlock()
	defer close(p.answers)
	for {
		f, err := p.readFrame()
		if err != nil {
			return
		}
		if f.kind == kindLog {
			logTo(p.logger, f.body)
			continue
		}
		select {
		case p.answers <- f:
		default: // nobody has asked
			return
		}
	}
}

func (p *process) readFrame() (frame, error) {
	f, err := p.frames.next()
	if errors.Is(err, errFrame) {
		_, _ = fmt.Fprintln(p.output, "worker:", err)
	}
	return f, err
}

// receive returns the next answer. An error says that there will be none.
func (p *process) receive() (frame, error) {
	if p.answers == nil {
		return p.readFrame()
	}
	if f, ok := <-p.answers; ok {
		return f, nil
	}
	return frame{}, io.EOF
}

// abort ends the process, and the wait for its answer also if it cannot be killed at once.
func (p *process) abort() {
	p.kill()
	p.endRead()
}

// endRead ends all reading. On Windows that is up to the end of the processes.
func (p *process) endRead() { _ = p.stdout.SetReadDeadline(time.Unix(1, 0)) }

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
	stop := context.AfterFunc(ctx, p.abort)
	defer func() { p.doomed = !stop() }()
	f, err := p.roundTrip()
	if cap(p.request) > reservedLen {
		p.request = nil
	}
	if err == nil {
		return f, nil
	}
	if err := ctx.Err(); err != nil {
		return frame{}, err
	}
	time.AfterFunc(exitDelay, p.kill)
	<-p.exited
	return frame{}, p.died
}

func (p *process) roundTrip() (frame, error) {
	p.reading.RLock()
	defer p.reading.RUnlock()
	if _, err := p.stdin.Write(p.request); err != nil {
		p.untouched = true
		return frame{}, err
	}
	return p.receive()
}

// alive says whether the process can take another call.
func (p *process) alive() bool {
	if p.doomed {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// stop lets a process that serves no call end by itself.
func (p *process) stop() {
	_ = p.stdin.Close()
	time.AfterFunc(stopDelay, p.kill)
}
