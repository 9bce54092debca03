package worker

// SendPart gives a new process a call without its last byte, as a Go program does that is
// killed meanwhile, and waits for its end.
func (p *Pool) SendPart(function string, body []byte) error {
	proc, err := p.start()
	if err != nil {
		return err
	}
	request := appendCall(nil, function, kindBytes, body)
	_, err = proc.stdin.Write(request[:len(request)-1])
	proc.stop()
	<-proc.exited
	return err
}
