package python

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/python/internal/data"
)

// EmbeddedPython is the interpreter that is embedded in the program. Its
// methods may be called from several goroutines.
//
// One that was not made by a constructor of this package, as in
// &EmbeddedPython{Python: p}, makes commands as p does. It has no extracted
// files: the methods about them return ErrNotExtracted, or "".
type EmbeddedPython struct {
	e  *embed_util.EmbeddedFiles
	py *python
	Python
}

// NewEmbeddedPython extracts the embedded interpreter to a private directory
// of this user below the temp dir, or if that cannot be used, below the user's
// cache dir. name is part of the directory's name, with "_" in place of characters that
// file names may not have; programs that use the same name and release share it.
//
// The first start extracts; later ones find the files, check that nobody has
// changed them and repair what differs. Any number of processes may start at
// the same time.
//
// Errors match ErrNoPayload when the program was built for a platform that the
// release does not carry, ErrCannotStart when the extracted interpreter does
// not run on this system, and the errors of embed_util.NewEmbeddedFiles.
func NewEmbeddedPython(name string, opts ...PythonOpt) (*EmbeddedPython, error) {
	return newEmbedded(opts, func(fsys fs.FS, o []embed_util.Option) (*embed_util.EmbeddedFiles, error) {
		return embed_util.NewEmbeddedFiles(fsys, "python-"+name, o...)
	})
}

// NewEmbeddedPythonWithTmpDir extracts to tmpDir, or with withHashInDir, to
// tmpDir-<hash>. See embed_util.NewEmbeddedFilesWithTmpDir for what is expected
// of that directory. Otherwise it is like NewEmbeddedPython.
func NewEmbeddedPythonWithTmpDir(tmpDir string, withHashInDir bool, opts ...PythonOpt) (*EmbeddedPython, error) {
	return newEmbedded(opts, toDir(tmpDir, withHashInDir))
}

// NewEmbeddedPythonInCacheDir extracts to <user cache dir>/<appName>/python-<hash>,
// which outlives reboots and the cleaning of temp dirs. The user cache dir is
// that of os.UserCacheDir. Otherwise it is like NewEmbeddedPython.
func NewEmbeddedPythonInCacheDir(appName string, opts ...PythonOpt) (*EmbeddedPython, error) {
	return inCacheDir(appName, opts, newEmbedded)
}

func inCacheDir(appName string, opts []PythonOpt, make func([]PythonOpt, extractFunc) (*EmbeddedPython, error)) (*EmbeddedPython, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("python: %w", err)
	}
	return make(opts, toDir(filepath.Join(cache, appName, "python"), true))
}

// toDir extracts to one directory.
func toDir(dir string, withHash bool) extractFunc {
	return func(fsys fs.FS, o []embed_util.Option) (*embed_util.EmbeddedFiles, error) {
		return embed_util.NewEmbeddedFilesWithTmpDir(fsys, dir, withHash, o...)
	}
}

type extractFunc func(fsys fs.FS, o []embed_util.Option) (*embed_util.EmbeddedFiles, error)

func newEmbedded(opts []PythonOpt, extract extractFunc) (*EmbeddedPython, error) {
	files, err := data.Files()
	if err != nil {
		return nil, fmt.Errorf("python: %w", err)
	}
	if files == nil {
		return nil, noPayload()
	}
	return newFromFiles(files, opts, extract)
}

// newFromFiles makes an EmbeddedPython of any payload that holds one.
func newFromFiles(files fs.FS, opts []PythonOpt, extract extractFunc) (*EmbeddedPython, error) {
	py := &python{}
	for _, o := range opts {
		if o != nil {
			o(py)
		}
	}
	ep := &EmbeddedPython{py: py, Python: py}
	py.embeddedHome = func() (string, error) { return ep.e.Extract() }
	py.restore = func() error { return ep.e.Repair() }
	extractOpts := py.opts.extract
	if !py.opts.noSelfCheck {
		extractOpts = append(extractOpts, embed_util.WithStartCheck(ep.startCheck))
	}
	e, err := extract(files, extractOpts)
	if err != nil {
		return nil, err
	}
	ep.e = e
	return ep, nil
}

// startCheck starts the interpreter in a tree that was just written.
func (ep *EmbeddedPython) startCheck(dir string) error {
	ctx := ep.py.opts.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	return checkStart(ctx, exeIn(dir, ep.GetExeName()), ep.py.environ(dir, nil))
}

// ErrNotExtracted is matched by the errors of the methods about extracted
// files, if an EmbeddedPython was not made by a constructor of this package.
var ErrNotExtracted = errors.New("python: not made by a constructor: there are no extracted files")

// errNoContexts is returned when such an EmbeddedPython's Python cannot.
var errNoContexts = errors.New("python: this Python makes no commands that end with a context")

// PythonCmdContext makes a command that ends with ctx, as CommandContexter has it. After
// Cleanup the error matches fs.ErrClosed.
func (ep *EmbeddedPython) PythonCmdContext(ctx context.Context, args ...string) (*exec.Cmd, error) {
	if ep.py != nil {
		return ep.py.PythonCmdContext(ctx, args...)
	}
	if p, ok := ep.Python.(CommandContexter); ok {
		return p.PythonCmdContext(ctx, args...)
	}
	return nil, errNoContexts
}

// GetExtractedPath returns the directory that holds the interpreter, "" after
// Cleanup. With WithLazyExtract it extracts it first, and returns "" if that
// fails.
func (ep *EmbeddedPython) GetExtractedPath() string {
	if ep.e == nil {
		return ""
	}
	return ep.e.GetExtractedPath()
}

// Cleanup removes the extracted interpreter, unless another process or another
// EmbeddedPython uses it; then it is left to them, which is not an error. As long as
// commands run, and what they have started, it returns an error that matches
// embed_util.ErrInUse, and can be called again.
func (ep *EmbeddedPython) Cleanup() error {
	if ep.e == nil {
		return ErrNotExtracted
	}
	return ep.e.Cleanup()
}

// Verify hashes all files of the interpreter. Its error matches
// embed_util.ErrDamaged and says which differ.
func (ep *EmbeddedPython) Verify() error {
	if ep.e == nil {
		return ErrNotExtracted
	}
	return ep.e.Verify()
}

// Repair is Verify, and replaces the files that differ. Interpreters that are
// running go on.
func (ep *EmbeddedPython) Repair() error {
	if ep.e == nil {
		return ErrNotExtracted
	}
	return ep.e.Repair()
}

// Prune removes interpreters that other versions of the program have extracted
// under the same name, if they were last used more than maxAge ago and no
// running process uses them. It returns their directories.
func (ep *EmbeddedPython) Prune(maxAge time.Duration) ([]string, error) {
	if ep.e == nil {
		return nil, ErrNotExtracted
	}
	return ep.e.Prune(maxAge)
}

// SelfCheck starts the interpreter once. Its error matches ErrCannotStart and
// carries what the interpreter wrote, and the likely cause. The constructors
// do this after each extraction.
func (ep *EmbeddedPython) SelfCheck(ctx context.Context) error {
	if ep.e == nil {
		return ErrNotExtracted
	}
	dir, err := ep.e.Extract()
	if err != nil {
		return err
	}
	return checkStart(ctx, exeIn(dir, ep.GetExeName()), ep.py.environ(dir, nil))
}
