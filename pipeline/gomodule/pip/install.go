package pip

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/goempy/goempy/python"
)

// interpreter is what is needed of a *python.EmbeddedPython.
type interpreter interface {
	PythonCmd2(args []string) (*exec.Cmd, error)
	python.CommandContexter
}

// driver is `python -m pip` with two differences. A folder named pip where the
// command runs is not taken for pip. And markers of requirements, as in
// `colorama; sys_platform == "win32"`, are those of the platform that the
// packages are for: pip itself has an option for its wheels but none for its
// markers, and takes those of the machine it runs on.
const driver = `
import runpy, sys
if sys.path[:1] == [""]:
    del sys.path[0]
if target:
    from pip._vendor.packaging import markers
    host_environment = markers.default_environment
    def target_environment():
        environment = host_environment()
        environment.update(target)
        return environment
    markers.default_environment = target_environment
runpy.run_module("pip", run_name="__main__", alter_sys=True)
`

// pipEnv are settings that a user may have for other uses of pip, which would
// contradict the command line, and those that make its output the same
// everywhere. Sources of packages, proxies and the like remain the user's.
var pipEnv = []string{
	"PIP_USER=0",
	"PIP_REQUIRE_VIRTUALENV=0",
	"PIP_DRY_RUN=0",
	"PIP_ROOT_USER_ACTION=ignore",
	"PYTHONUTF8=1",
	"PYTHONUNBUFFERED=1",
}

// pipArgs are the arguments of the interpreter. No Python version is named:
// pip's own is the embedded one, to the last digit and with its ABI.
func pipArgs(t *target, requirements, site string, hashes bool, extra []string) ([]string, error) {
	environment, err := json.Marshal(t.markers)
	if err != nil {
		return nil, fmt.Errorf("pip: %w", err)
	}
	if t.markers == nil {
		environment = []byte("None")
	}
	args := []string{"-c", "target = " + string(environment) + driver,
		"install", "--no-compile", "--disable-pip-version-check", "--no-input", "--no-color",
		"--target", site, "-r", requirements}
	for _, tag := range t.tags {
		args = append(args, "--platform", tag)
	}
	if len(t.tags) > 0 {
		args = append(args, "--only-binary=:all:")
	}
	if hashes {
		args = append(args, "--require-hashes")
	}
	return append(args, extra...), nil
}

// install has pip install the requirements into the directory site.
func install(py interpreter, t *target, requirements, site string, hashes bool, o *options, out *stream) error {
	args, err := pipArgs(t, requirements, site, hashes, o.pipArgs)
	if err != nil {
		return err
	}
	cmd, err := command(py, o.ctx, args)
	if err != nil {
		return err
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, pipEnv...)
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	out.close()
	if err == nil {
		return nil
	}
	if done := o.err(); done != nil {
		return fmt.Errorf("pip: install for %s: %w", t.name, done)
	}
	output := out.text()
	if missing := missingWheel(output); missing != "" {
		return &WheelError{Package: missing, Platform: t.name, Tags: t.tags, Output: output}
	}
	hint := ""
	if strings.Contains(output, "No module named pip") || strings.Contains(output, "No module named 'pip") {
		hint = " (this interpreter has no pip: add the path of NewPipLib to it with AddPythonPath)"
	}
	return fmt.Errorf("pip: install for %s: %w%s: %s", t.name, err, hint, reason(output))
}

func command(py interpreter, ctx context.Context, args []string) (*exec.Cmd, error) {
	if ctx == nil {
		return py.PythonCmd2(args)
	}
	return py.PythonCmdContext(ctx, args...)
}
