// Package worker calls Python functions from Go, in Python processes that stay: without the
// start of an interpreter, which costs a thousand times as much as a call.
//
//	pool, err := worker.NewPool(ep, "render", worker.Size(4))
//	if err != nil {
//		return err
//	}
//	defer pool.Close()
//	out, err := worker.Call[Request, Response](ctx, pool, "template", request)
//
// This imports the module render in at most four processes and calls render.template with
// the value that JSON makes of request. What the function returns becomes a Response. A []byte
// arrives as bytes, and bytes come back as []byte.
//
// # Processes
//
// A process is started when a call finds none that is free, and serves one call at a time. It
// is a command of PythonCmdContext, as python.WithKillOnParentExit makes them: it ends with all
// that it has started, also when the Go program is killed. One that dies is replaced at
// the next call. No call is made twice: the one that it served returns an error that matches
// ErrDied, since nobody knows how far it came.
//
// Functions run in the main thread. Global variables of the module keep their values between
// calls, in each process for itself.
//
// # Input and output
//
// Messages go through pipes that Python code does not see. What is printed, by C libraries and
// child processes too, goes to the writer of Output, and standard input is empty. Directories
// of AddPythonPath are on Python's path, the working directory is not.
//
// Python 3.8 and later can be used.
package worker
