package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/goempy/goempy/python"
)

// Pool has the functions of one Python module called in processes that stay. Its methods and
// Call may be used from several goroutines.
type Pool struct {
	py     python.CommandContexter
	module string
	c      config
	hello  []byte
	output *sharedWriter

	slots   chan struct{} // each call holds one
	closing chan struct{}

	mu     sync.Mutex
	closed bool
	killed bool                  // the context of Shutdown is done
	idle   []*process            // the last one was used last
	all    map[*process]struct{} // those that have not exited
	active sync.WaitGroup        // starts, and processes that have not exited
}

// hello is what worker.py gets before all calls.
type hello struct {
	Module    string `json:"module"`
	Init      string `json:"init"`
	Value     any    `json:"value"`
	Limit     int    `json:"limit"`
	MaxMemory int64  `json:"maxMemory"`
	LogLevel  *int   `json:"logLevel"`
}

// NewPool makes a pool of processes that import module. The interpreter is py's, with the
// directories of its AddPythonPath; the working directory is not on Python's path. A module that
// cannot be imported is an error of the first call, or with Prestart of NewPool.
func NewPool(py python.Python, module string, opts ...Option) (*Pool, error) {
	contexter, ok := py.(python.CommandContexter)
	if !ok {
		return nil, errors.New("worker: this Python makes no commands that end with a context")
	}
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	h := hello{Module: module, Init: c.initFunc, Value: c.initValue, Limit: c.maxMessage, MaxMemory: c.maxMemory}
	if c.logger != nil {
		level := pythonLevel(c.logger)
		h.LogLevel = &level
	}
	p := &Pool{
		py:      contexter,
		module:  module,
		c:       c,
		output:  &sharedWriter{w: c.output},
		slots:   make(chan struct{}, c.size),
		closing: make(chan struct{}),
		all:     map[*process]struct{}{},
	}
	if p.hello, err = json.Marshal(h); err != nil {
		return nil, fmt.Errorf("worker: %w: the value of Init: %w", ErrNotJSON, err)
	}
	for range c.size {
		p.slots <- struct{}{}
	}
	if c.prestart {
		if err := p.prestart(); err != nil {
			_ = p.Close()
			return nil, fmt.Errorf("worker: %w", err)
		}
	}
	return p, nil
}

// prestart starts all processes at the same time.
func (p *Pool) prestart() error {
	errs := make(chan error, p.c.size)
	for range p.c.size {
		go func() {
			proc, err := p.start()
			if err == nil {
				p.put(proc)
			}
			errs <- err
		}()
	}
	var first error
	for range p.c.size {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

// call has a function called in a process that is free, or else in a new one.
func (p *Pool) call(ctx context.Context, name string, k kind, body []byte) (frame, error) {
	if len(body) > p.c.maxMessage {
		return frame{}, fmt.Errorf("%w: a request of %d bytes, MaxMessage is %d", ErrTooLarge, len(body), p.c.maxMessage)
	}
	if len(name) > maxName {
		return frame{}, ErrUnknownFunction
	}
	if err := p.acquire(ctx); err != nil {
		return frame{}, err
	}
	proc, err := p.take(ctx)
	if err != nil {
		return frame{}, err
	}
	f, err := proc.call(ctx, name, k, body)
	for errors.Is(err, ErrDied) && proc.untouched && proc.wasIdle { // and so the call did not begin
		if proc, err = p.take(ctx); err != nil {
			return frame{}, err
		}
		f, err = proc.call(ctx, name, k, body)
	}
	if f.extra != 0 || p.c.maxCalls > 0 && proc.calls >= p.c.maxCalls {
		proc.stop()
	} else if err == nil {
		p.put(proc)
	}
	p.slots <- struct{}{}
	if errors.Is(err, ErrDied) && p.isKilled() {
		err = ErrClosed
	}
	return f, err
}

// acquire waits for a slot. Who has waited longest gets the next one.
func (p *Pool) acquire(ctx context.Context) error {
	select {
	case <-p.closing:
		return ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-p.slots:
		return nil
	case <-p.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take returns a process for the holder of a slot. With an error the slot is given back.
func (p *Pool) take(ctx context.Context) (*process, error) {
	if proc := p.takeIdle(); proc != nil {
		return proc, nil
	}
	type started struct {
		proc *process
		err  error
	}
	done := make(chan started, 1)
	go func() {
		proc, err := p.start()
		done <- started{proc, err}
	}()
	select {
	case s := <-done:
		if s.err != nil {
			p.slots <- struct{}{}
		}
		return s.proc, s.err
	case <-ctx.Done():
		// The start goes on, so that calls with little time find a process some day.
		go func() {
			if s := <-done; s.err == nil {
				p.put(s.proc)
			}
			p.slots <- struct{}{}
		}()
		return nil, ctx.Err()
	}
}

func (p *Pool) takeIdle() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.idle); n > 0; n = len(p.idle) {
		proc := p.idle[n-1]
		p.idle = p.idle[:n-1]
		if proc.timeout != nil {
			proc.timeout.Stop()
		}
		if proc.alive() {
			return proc
		}
		proc.kill()
	}
	return nil
}

// start returns a new process that is ready.
func (p *Pool) start() (*process, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.active.Add(1)
	p.mu.Unlock()

	proc, err := startProcess(p.py, &p.c, p.output)
	if err != nil {
		p.active.Done()
		return nil, fmt.Errorf("start: %w", err)
	}
	p.mu.Lock()
	p.all[proc] = struct{}{}
	if p.killed {
		proc.kill()
	}
	p.mu.Unlock()
	go func() {
		<-proc.exited
		p.mu.Lock()
		delete(p.all, proc)
		p.mu.Unlock()
		p.active.Done()
	}()
	if err := proc.prepare(p.hello, p.c.startTimeout); err != nil {
		proc.stop()
		if p.isKilled() {
			return nil, ErrClosed
		}
		return nil, fmt.Errorf("start: %w", err)
	}
	return proc, nil
}

// put makes a process free for other calls.
func (p *Pool) put(proc *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		proc.stop()
		return
	}
	proc.wasIdle = true
	p.idle = append(p.idle, proc)
	if p.c.idleTimeout > 0 {
		proc.timeout = time.AfterFunc(p.c.idleTimeout, func() { p.expire(proc) })
	}
}

// expire ends a process that has been idle for too long.
func (p *Pool) expire(proc *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.idle, proc); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
		proc.stop()
	}
}
