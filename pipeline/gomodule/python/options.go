package python

import (
	"context"

	"github.com/goempy/goempy/embed_util"
)

// PythonOpt changes how an interpreter is extracted or run. Options that do
// not apply (extraction, for an interpreter that is not embedded) do nothing.
type PythonOpt func(o *python)

type pythonOptions struct {
	home        string
	inheritEnv  bool
	noSelfCheck bool

	killOnParentExit bool

	extract []embed_util.Option
	ctx     context.Context
}

// WithPythonHome makes NewPython run the interpreter in this directory:
// bin/python3, on Windows python.exe.
func WithPythonHome(home string) PythonOpt {
	return func(o *python) { o.opts.home = home }
}

// WithInheritedPythonEnv lets the PYTHON* variables and the user's
// site-packages through to the interpreter. What AddPythonPath adds comes
// before an inherited PYTHONPATH.
func WithInheritedPythonEnv() PythonOpt {
	return func(o *python) { o.opts.inheritEnv = true }
}

// WithLazyExtract makes the constructor return at once. The interpreter is
// extracted at the first call that needs it: PythonCmd and its siblings,
// GetExePath, GetExtractedPath, Verify and Repair. They then return the errors
// that the constructor would have returned; GetExtractedPath returns "".
func WithLazyExtract() PythonOpt {
	return withExtract(embed_util.WithLazyExtract())
}

// VerifyMode says how a start convinces itself that an interpreter extracted
// earlier is still what it was.
type VerifyMode = embed_util.VerifyMode

const (
	// VerifyStat, the default, looks at each file's size, times, mode, owner and
	// inode, and reads no content.
	VerifyStat = embed_util.VerifyStat

	// VerifyFull reads and hashes every file at every start.
	VerifyFull = embed_util.VerifyFull
)

// WithVerify chooses how a start checks an interpreter extracted earlier.
func WithVerify(mode VerifyMode) PythonOpt {
	return withExtract(embed_util.WithVerify(mode))
}

// WithTrustedDir accepts dir and the folders above it whatever their owners and modes,
// for systems where no other user can reach them, such as a container whose /tmp is open
// to all. See embed_util.WithTrustedDir, also for the variable that operators set.
func WithTrustedDir(dir string) PythonOpt {
	return withExtract(embed_util.WithTrustedDir(dir))
}

// WithWorldReadable lets other users run the interpreter in the directory that the caller
// names with NewEmbeddedPythonWithTmpDir: for a container image that root builds and others
// run. See embed_util.WithWorldReadable.
func WithWorldReadable() PythonOpt {
	return withExtract(embed_util.WithWorldReadable())
}

// WithProgress has report called while the interpreter is extracted, with the bytes that
// were written and all that are to be written, by one goroutine at a time.
func WithProgress(report func(done, total int64)) PythonOpt {
	return withExtract(embed_util.WithProgress(report))
}

// WithContext ends extraction, and the wait for another process that is
// extracting, when ctx is done. It does not touch commands.
func WithContext(ctx context.Context) PythonOpt {
	return func(o *python) {
		o.opts.ctx = ctx
		o.opts.extract = append(o.opts.extract, embed_util.WithContext(ctx))
	}
}

// WithKillOnParentExit makes commands end with the Go program, however it ends: by
// returning from main, by a panic, by SIGKILL, or out of memory. Each is killed, with the
// processes that it has started. Those that a command leaves behind when it ends itself run
// on as long as the Go program.
//
// As with PythonCmdContext, commands have a process group of their own, or a job object on
// Windows, and a Ctrl-C in the terminal reaches the Go program only. How much ends:
//
//   - On Linux, all processes of the group, and those outside of it that still have the
//     environment that they inherited from the command.
//   - On Windows, all processes of the job: see PythonCmdContext. Where the system refuses
//     the job, nothing.
//   - On macOS and other systems, all processes of the group. A command that is started in
//     the last instant of the Go program runs on.
//
// On Unix a process of the interpreter sees to that, one for all commands. The first call of
// PythonCmd or a sibling waits until it has started, as long as an interpreter takes, and
// returns the error if it cannot. It waits for the end of the Go program, and needs none of
// the extracted files.
//
// A caller that sets the command's Cancel to nil, or on Unix a SysProcAttr without Setpgid or
// Setsid, gives this up, or the processes that the command starts.
func WithKillOnParentExit() PythonOpt {
	return func(o *python) { o.opts.killOnParentExit = true }
}

// WithoutSelfCheck leaves out the one start of the interpreter that follows an
// extraction, for programs that extract for another machine.
func WithoutSelfCheck() PythonOpt {
	return func(o *python) { o.opts.noSelfCheck = true }
}

func withExtract(opt embed_util.Option) PythonOpt {
	return func(o *python) { o.opts.extract = append(o.opts.extract, opt) }
}
