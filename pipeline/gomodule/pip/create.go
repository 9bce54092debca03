package pip

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/internal/extract"
	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/platforms"
	"github.com/goempy/goempy/pip/internal/data"
	"github.com/goempy/goempy/python"
)

// maxParallel limits how many pips run at the same time. They wait for the
// network more than they compute.
const maxParallel = 4

// libName is the name under which the embedded Python and pip are extracted.
const libName = "goempy-pip"

// CreateEmbeddedPipPackagesForKnownPlatforms installs the packages of a
// requirements file, or of a pylock.toml, for every platform of the release, or those of
// WithPlatforms, with the embedded Python and pip. Each platform's packages are
// packed into targetDir/<platform>, and a Go file in targetDir embeds them as
// the variable Data of package data in builds for that platform. Beside the folder
// is a bill of materials, targetDir/<platform>.cdx.json. See the package comment for
// what is installed and for platforms that have none.
//
// Platforms are independent of each other. A platform's folder is replaced when
// everything for it has succeeded, and stays as it was otherwise; the errors of
// several platforms are joined. They match ErrNoWheel (as *WheelError) when a
// package has no wheel for the platform, ErrNoPip and python.ErrNoPayload when
// the module carries no pip and no Python for this machine, and the context's
// error.
//
// Several platforms are installed at the same time. Two calls must not write to
// the same targetDir at the same time.
func CreateEmbeddedPipPackagesForKnownPlatforms(requirementsFile string, targetDir string, opts ...Option) error {
	o := newOptions(opts)
	if o.subset && len(o.platforms) == 0 {
		return errors.New("pip: WithPlatforms names no platform: leave it out to install for all")
	}
	targets, err := choose(platforms.All, present(platforms.All, targetDir), o.platforms)
	if err != nil {
		return err
	}
	if err := withTags(targets, platforms.All, o.wheelTags); err != nil {
		return err
	}
	w, err := newWork(requirementsFile, targetDir, o)
	if err != nil {
		return err
	}
	return withEmbeddedPip(o, func(py interpreter) error { return w.all(py, targets) })
}

// CreateEmbeddedPipPackages installs the packages of a requirements file, or of
// a pylock.toml, for one platform, with the embedded Python and pip, into targetDir/<goOs>-<goArch>
// and with a Go file as CreateEmbeddedPipPackagesForKnownPlatforms writes it.
// pipPlatforms are the platform tags that wheels may have, best first. Without
// any, pip takes what runs on this machine and builds what comes as source.
//
// With goOs empty, the packages are those for this machine and go to targetDir
// itself, which is replaced as a whole. It must not exist, be empty, or hold
// such packages already. The bill of materials is targetDir.cdx.json, beside it.
//
// Errors and concurrency are those of
// CreateEmbeddedPipPackagesForKnownPlatforms.
func CreateEmbeddedPipPackages(requirementsFile string, goOs string, goArch string, pipPlatforms []string, targetDir string, opts ...Option) error {
	o := newOptions(opts)
	t, err := newTarget(platforms.All, present(platforms.All, targetDir), goOs, goArch, pipPlatforms)
	if err != nil {
		return err
	}
	w, err := newWork(requirementsFile, targetDir, o)
	if err != nil {
		return err
	}
	return withEmbeddedPip(o, func(py interpreter) error { return w.all(py, []*target{t}) })
}

// CreateEmbeddedPipPackages2 is CreateEmbeddedPipPackages with an interpreter
// of the caller, which finds pip on its path:
//
//	lib, err := pip.NewPipLib("myapp")
//	…
//	ep.AddPythonPath(lib.GetExtractedPath())
func CreateEmbeddedPipPackages2(ep *python.EmbeddedPython, requirementsFile string, goOs string, goArch string, pipPlatforms []string, targetDir string, opts ...Option) error {
	if ep == nil {
		return errors.New("pip: no interpreter was given")
	}
	return create(ep, requirementsFile, goOs, goArch, pipPlatforms, targetDir, newOptions(opts))
}

func create(py interpreter, requirementsFile, goOs, goArch string, pipPlatforms []string, targetDir string, o *options) error {
	t, err := newTarget(platforms.All, present(platforms.All, targetDir), goOs, goArch, pipPlatforms)
	if err != nil {
		return err
	}
	w, err := newWork(requirementsFile, targetDir, o)
	if err != nil {
		return err
	}
	return w.all(py, []*target{t})
}

// withEmbeddedPip calls f with the embedded interpreter, which finds the
// embedded pip.
func withEmbeddedPip(o *options, f func(py interpreter) error) (err error) {
	var pyOpts []python.PythonOpt
	var libOpts []embed_util.Option
	if o.ctx != nil {
		pyOpts = append(pyOpts, python.WithContext(o.ctx))
		libOpts = append(libOpts, embed_util.WithContext(o.ctx))
	}
	files, err := data.Files()
	if err != nil {
		return err
	}
	if files == nil {
		return ErrNoPip
	}
	ep, err := python.NewEmbeddedPython(libName, pyOpts...)
	if err != nil {
		return fmt.Errorf("pip: %w", err)
	}
	defer func() { err = errors.Join(err, ep.Cleanup()) }()
	lib, err := NewPipLib(libName, libOpts...)
	if err != nil {
		return fmt.Errorf("pip: %w", err)
	}
	defer func() { err = errors.Join(err, lib.Cleanup()) }()
	ep.AddPythonPath(lib.GetExtractedPath())
	return f(ep)
}

// work is what the platforms of one call have in common.
type work struct {
	inputs    *inputs
	targetDir string
	opts      *options
	console   *console
	bytecode  *bytecode
}

func newWork(requirements, targetDir string, o *options) (*work, error) {
	in, err := newInputs(requirements, o.packages)
	if err != nil {
		return nil, err
	}
	// Absolute, so that its last element is a name for "." too.
	dir, err := filepath.Abs(targetDir)
	if err != nil {
		return nil, fmt.Errorf("pip: %w", err)
	}
	return &work{
		inputs:    in,
		targetDir: dir,
		opts:      o,
		console:   &console{out: o.output},
		bytecode:  &bytecode{known: make(map[moduleKey]compiled)},
	}, nil
}

// all builds what has to be built, and installs several targets, some at a time.
func (w *work) all(py interpreter, targets []*target) error {
	tmp, err := extract.NewWorkDir()
	if err != nil {
		return fmt.Errorf("pip: %w", err)
	}
	defer tmp.Remove()
	if err := w.inputs.build(py, w.opts.ctx, tmp.Path(), w.opts.pipArgs, w.console.stream("")); err != nil {
		return err
	}
	errs := make([]error, len(targets))
	slots := make(chan struct{}, maxParallel)
	var wg sync.WaitGroup
	for i, t := range targets {
		slots <- struct{}{}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() { <-slots }()
			prefix := ""
			if len(targets) > 1 {
				prefix = "[" + t.name + "] "
			}
			errs[i] = w.one(py, t, prefix)
		}()
	}
	wg.Wait()
	return errors.Join(errs...)
}

// one installs, packs and publishes one target.
func (w *work) one(py interpreter, t *target, prefix string) error {
	if err := w.opts.err(); err != nil {
		return fmt.Errorf("pip: install for %s: %w", t.name, err)
	}
	dst := filepath.Join(w.targetDir, t.folder)
	if t.folder == "" {
		if err := replaceable(dst); err != nil {
			return err
		}
	}
	tmp, err := extract.NewWorkDir()
	if err != nil {
		return fmt.Errorf("pip: %w", err)
	}
	defer tmp.Remove()
	site := filepath.Join(tmp.Path(), "site")
	if err := os.Mkdir(site, 0o700); err != nil {
		return fmt.Errorf("pip: %w", err)
	}
	place := installPlace{
		site:     site,
		report:   filepath.Join(tmp.Path(), "report.json"),
		selected: filepath.Join(tmp.Path(), "selected.txt"),
	}
	out := w.console.stream(prefix)
	packages, err := install(py, t, w.inputs, place, w.opts, out)
	if err != nil {
		return err
	}
	if err := normalize(site); err != nil {
		return err
	}
	if err := addHook(site); err != nil {
		return err
	}
	if !w.opts.sources {
		if err := w.bytecode.add(py, w.opts.ctx, site, filepath.Join(tmp.Path(), "compiler"), out); err != nil {
			return fmt.Errorf("pip: compile packages for %s: %w", t.name, err)
		}
	}
	stage, err := newStage(dst)
	if err != nil {
		return fmt.Errorf("pip: %w", err)
	}
	defer func() { _ = os.RemoveAll(stage) }()
	if err := w.pack(t, stage, site, dst); err != nil {
		return fmt.Errorf("pip: pack packages for %s: %w", t.name, err)
	}
	if err := w.publish(t, stage, dst); err != nil {
		return fmt.Errorf("pip: write packages for %s: %w", t.name, err)
	}
	if err := writeBill(dst+sbomSuffix, packages, w.inputs); err != nil {
		return fmt.Errorf("pip: write the bill of materials for %s: %w", t.name, err)
	}
	return nil
}

// pack fills stage with what will be at dst.
func (w *work) pack(t *target, stage, site, dst string) error {
	// By content: Windows has no executable bit, and what is packed there is the same
	// and can be run on Unix.
	if err := payload.Pack(stage, site, payload.PackOptions{Executable: isProgram}); err != nil {
		return err
	}
	if t.folder != "" {
		return nil
	}
	if err := keepGitFiles(stage, dst); err != nil {
		return err
	}
	return embed_util.WriteEmbedGoFile(stage, "", "")
}

// publish puts the packed files in their place. The folder comes before the Go
// file, which does not compile without it.
func (w *work) publish(t *target, stage, dst string) error {
	if err := replaceDir(stage, dst); err != nil || t.folder == "" {
		return err
	}
	return osfs.WriteFile(filepath.Join(w.targetDir, t.goFile), goSource(t))
}
