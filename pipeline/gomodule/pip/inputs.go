package pip

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// inputs are what is installed for each platform.
type inputs struct {
	requirements string // a requirements file; "": there is none
	lock         string // a pylock.toml; "": there is none
	found        found
	projects     []string // directories
	wheels       []string // files, also those of projects that were built
	built        []string // the names of the latter
}

// lockName is what a lock is called (PEP 751, "File Name").
var lockName = regexp.MustCompile(`^pylock(\.[^.]+)?\.toml$`)

// newInputs looks at what the caller has named. All errors are joined.
func newInputs(requirementsFile string, packages []string) (*inputs, error) {
	var in inputs
	var err error
	switch {
	case requirementsFile == "" && len(packages) == 0:
		err = errors.New("pip: neither requirements nor packages (WithPackages) are named")
	case requirementsFile == "":
		in.found.requirements = true
	case lockName.MatchString(filepath.Base(requirementsFile)):
		in.lock = requirementsFile
		in.found = found{requirements: true, hashes: true}
		if _, err = os.Stat(requirementsFile); err != nil {
			err = fmt.Errorf("pip: read the lock: %w", err)
		}
	default:
		in.requirements = requirementsFile
		in.found, err = scan(requirementsFile)
	}
	return &in, errors.Join(err, in.addPackages(packages))
}

func (in *inputs) addPackages(paths []string) error {
	var errs []error
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
		case info.IsDir():
			in.projects = append(in.projects, path)
			_, err = os.Stat(filepath.Join(path, "pyproject.toml"))
		case strings.HasSuffix(path, ".whl"):
			in.wheels = append(in.wheels, path)
		default:
			err = fmt.Errorf("%s is neither a directory with a pyproject.toml nor a wheel", path)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("pip: package of WithPackages: %w", err))
		}
	}
	return errors.Join(errs...)
}

// build has pip build the wheels of projects into the directory dir. One that has no tag
// of a platform is for all; any other is for this machine.
func (in *inputs) build(py interpreter, ctx context.Context, dir string, extra []string, out *stream) error {
	if len(in.projects) == 0 {
		return nil
	}
	args, err := driverArgs(&target{}, nil)
	if err != nil {
		return err
	}
	args = append(args, "wheel", "--no-deps", "--disable-pip-version-check", "--no-input", "--no-color", "--wheel-dir", dir)
	for _, project := range in.projects {
		// Absolute, since pip takes "app" for the name of a package.
		path, err := filepath.Abs(project)
		if err != nil {
			return fmt.Errorf("pip: %w", err)
		}
		args = append(args, path)
	}
	if err := runPip(py, ctx, append(args, extra...), out); err != nil {
		if ctx != nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		output := out.text()
		return fmt.Errorf("pip: build %s: %w%s: %s", strings.Join(in.projects, ", "), err, withoutPip(output), reason(output))
	}
	built, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil {
		return fmt.Errorf("pip: %w", err)
	}
	in.wheels = append(in.wheels, built...)
	for _, file := range built {
		in.built = append(in.built, filepath.Base(file))
	}
	return nil
}
