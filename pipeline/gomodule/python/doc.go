// Package python runs a CPython interpreter that is embedded in the program.
//
//	ep, err := python.NewEmbeddedPython("myapp")
//	if err != nil {
//		return err
//	}
//	cmd, err := ep.PythonCmd("-c", "print('hello')")
//	if err != nil {
//		return err
//	}
//	cmd.Stdout = os.Stdout
//	return cmd.Run()
//
// # Which interpreter
//
// A release of this module carries one Python version for a number of
// platforms; the build picks the payload of its GOOS and GOARCH. Two things
// narrow the choice where a release carries it: with -tags musl it is the one
// for musl instead of glibc (Alpine Linux), with GOAMD64=v3 the one for newer
// CPUs. On a platform without a payload the program builds, and the
// constructors return an error that matches ErrNoPayload.
//
// # Extraction
//
// The constructors extract the interpreter once per user and release, and check
// it at every start; the comment of package embed_util says how, and what is
// promised about safety, crashes and concurrency. After an extraction the
// interpreter is started once. If it does not start, nothing is kept, and the
// error matches ErrCannotStart and says what it wrote and what is likely wrong.
//
// # The environment of commands
//
// Commands run the interpreter by its absolute path and need neither PATH nor
// HOME. They inherit the environment of the program, except that an embedded
// interpreter, or one named by WithPythonHome,
//
//   - does not see the variables that configure Python (PYTHONHOME, PYTHONPATH,
//     PYTHONSTARTUP and all the others), unless WithInheritedPythonEnv is
//     given; set what you want in the command's Env;
//   - does not see the user's site-packages (PYTHONNOUSERSITE=1), with the same
//     exception;
//   - gets a PYTHONPATH of what AddPythonPath was called with, in that order.
//
// An embedded interpreter finds its library by its own place, so PYTHONHOME is
// not set: other Pythons that it starts, virtual environments included, are not
// confused. WithPythonHome sets it, as its name says. On Linux, SSL_CERT_FILE
// is set where the interpreter would find no certificates and neither it nor
// SSL_CERT_DIR is set.
//
// # The end of the Go program
//
// Python runs on when the Go program ends, as any process does: a command is an ordinary
// *exec.Cmd, and a SIGTERM for the Go program is not one for Python. With the option
// WithKillOnParentExit commands end with it, however it ends. The extracted files
// stay as long as an interpreter runs from them, also one whose Go program has ended.
//
// # Concurrency
//
// Everything in this package may be used from several goroutines. A command is
// an *exec.Cmd and belongs to its caller.
package python
