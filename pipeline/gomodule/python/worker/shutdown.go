package worker

import "context"

func (p *Pool) isKilled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed
}

// Close is Shutdown without an end: it waits for all calls that are running.
func (p *Pool) Close() error { return p.Shutdown(context.Background()) }

// Shutdown ends the pool. Calls that wait for a process return ErrClosed; those that are
// running are waited for, until ctx is done: then they are ended, and Shutdown returns the error
// of ctx. When it returns, no process is left.
func (p *Pool) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	for _, proc := range p.idle {
		proc.stop()
	}
	p.idle = nil
	p.mu.Unlock()

	gone := make(chan struct{})
	go func() {
		p.active.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	p.killed = true
	for proc := range p.all {
		proc.kill()
	}
	p.mu.Unlock()
	<-gone
	return ctx.Err()
}
