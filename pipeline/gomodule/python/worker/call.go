package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
)

// Call calls a function of the pool's module with one argument and returns what it returns.
//
// The argument and the result are JSON, but for []byte: a request of this type is Python's
// bytes, and what Python returns as bytes, bytearray or memoryview is a Response of []byte, or
// of any. A Response of json.RawMessage is the JSON itself.
//
// Call waits until one of the pool's processes is free; calls that wait get one in the order
// in which they came. The end of ctx ends the wait; if the call runs already, it ends the
// process with all processes that it has started. The error is then that of ctx.
//
// The other errors are a *PythonError for an exception, a *DiedError for the end of the process
// (the call has then run, or not, or in part), and those that match ErrClosed,
// ErrUnknownFunction, ErrNotJSON, ErrTooLarge, ErrStartTimeout or errors of PythonCmdContext.
func Call[Request, Response any](ctx context.Context, p *Pool, function string, request Request) (Response, error) {
	response, err := call[Request, Response](ctx, p, function, request)
	if err != nil {
		err = fmt.Errorf("worker: %s.%s: %w", p.module, function, err)
	}
	return response, err
}

func call[Request, Response any](ctx context.Context, p *Pool, function string, request Request) (response Response, err error) {
	k, body, err := encode(request)
	if err != nil {
		return response, err
	}
	f, err := p.call(ctx, function, k, body)
	if err != nil {
		return response, err
	}
	if err := f.failure(); err != nil {
		return response, err
	}
	return response, f.decode(&response)
}

func encode(request any) (kind, []byte, error) {
	if b, ok := request.([]byte); ok {
		return kindBytes, b, nil
	}
	body, err := json.Marshal(request)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: the request: %w", ErrNotJSON, err)
	}
	return kindJSON, body, nil
}

// decode sets what response points to.
func (f *frame) decode(response any) error {
	switch r := response.(type) {
	case *[]byte:
		if f.kind != kindBytes {
			return fmt.Errorf("%w: the response is to be []byte, and the function did not return bytes", ErrNotJSON)
		}
		*r = f.body
		return nil
	case *any:
		if f.kind == kindBytes {
			*r = f.body
			return nil
		}
	}
	if f.kind == kindBytes {
		return fmt.Errorf("%w: the function returned bytes, the response is to be %s", ErrNotJSON, reflect.TypeOf(response).Elem())
	}
	if err := json.Unmarshal(f.body, response); err != nil {
		return fmt.Errorf("%w: the response: %w", ErrNotJSON, err)
	}
	return nil
}

// failure returns the error of an answer that has no result.
func (f *frame) failure() error {
	switch f.kind {
	case kindJSON, kindBytes:
		return nil
	case kindException:
		e := &PythonError{}
		if err := json.Unmarshal(f.body, e); err != nil {
			return fmt.Errorf("an exception that cannot be read: %w", err)
		}
		return e
	case kindUnknownFunction:
		if len(f.body) > 0 {
			return fmt.Errorf("%w: did you mean %q?", ErrUnknownFunction, f.body)
		}
		return ErrUnknownFunction
	case kindNotJSON:
		return fmt.Errorf("%w: the function returned a value of type %s", ErrNotJSON, f.body)
	case kindTooLarge:
		return fmt.Errorf("%w: the response has %s bytes", ErrTooLarge, f.body)
	}
	return fmt.Errorf("an answer of unknown kind %q", f.kind)
}
