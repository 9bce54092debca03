package pip

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/goempy/goempy/python"
)

// interpreter is what is needed of a *python.EmbeddedPython.
type interpreter interface {
	PythonCmd2(args []string) (*exec.Cmd, error)
	python.CommandContexter
}

// driver runs pip as `python -m pip` does, with four differences. It ignores a
// folder named pip in the working directory. Of the user's settings, in variables
// and in pip's configuration files, it uses only those in settings. It selects wheels of a
// lock, see selectWheels. And it evaluates
// markers of requirements, as in `colorama; sys_platform == "win32"`, for the platform
// of the packages: pip has an option for the platform of wheels, but evaluates markers
// for the machine it runs on.
//
// The settings become variables, in pip's own order of precedence, and pip reads no
// files, so that the pips that pip starts to build a package have the same.
//
// Settings and markers use pip's internals. A pip that no longer has these must not
// continue with other ones, so the driver checks that its changes took effect.
const driver = `
import os, runpy, sys
if sys.path[:1] == [""]:
    del sys.path[0]
try:
    import pip
except ImportError as e:
    sys.exit(str(e))
def refuse(what, why):
    sys.exit("ERROR: pip %s does not take %s: %s. Use the pip of this module." % (pip.__version__, what, why))
def user_settings():
    from pip._internal.configuration import Configuration
    configuration = Configuration(isolated=False)
    configuration.load()
    sections = {"global": {}, "install": {}, ":env:": {}}
    for key, value in configuration.items():
        for key, value in value.items() if isinstance(value, dict) else [(key, value)]:
            section, _, name = key.partition(".")
            if section in sections and name in settings:
                sections[section][name] = value
    chosen = {}
    for values in sections.values():
        chosen.update((name, value) for name, value in values.items() if value)
    return chosen
try:
    chosen = user_settings()
except (ImportError, AttributeError, TypeError, ValueError) as e:
    refuse("which settings count", repr(e))
except Exception as e:
    sys.exit("ERROR: %s" % e)
for name in list(os.environ):
    if name.startswith(("PIP_", "_PIP_")):
        del os.environ[name]
for name, value in chosen.items():
    os.environ["PIP_" + name.upper().replace("-", "_")] = value
os.environ["PIP_CONFIG_FILE"] = os.devnull
os.environ["PIP_ROOT_USER_ACTION"] = "ignore"
if target:
    calls = []
    try:
        from pip._vendor.packaging import markers
        host_environment = markers.default_environment
        def target_environment():
            environment = host_environment()
            environment.update(target)
            calls.append(1)
            return environment
        markers.default_environment = target_environment
        for name, value in target.items():
            if not markers.Marker("%s == '%s'" % (name, value)).evaluate():
                refuse("the markers of another platform", name + " is another")
    except (ImportError, AttributeError) as e:
        refuse("the markers of another platform", repr(e))
    if not calls:
        refuse("the markers of another platform", "it takes them from elsewhere")
` + selectWheels + `
runpy.run_module("pip", run_name="__main__", alter_sys=True)
`

// settings are the options of pip that a user's variables (PIP_INDEX_URL) and
// configuration files may set: where packages come from, how to reach them, and which
// ones to refuse. The others, such as root, target, python-version or editable, would
// contradict the command line, and make pip install something else or elsewhere.
var settings = []string{
	"index-url", "pypi-url", "extra-index-url", "no-index", "find-links",
	"trusted-host", "proxy", "cert", "client-cert", "keyring-provider",
	"timeout", "default-timeout", "retries", "resume-retries",
	"cache-dir", "no-cache-dir", "use-feature", "use-deprecated",
	"constraint", "build-constraint", "require-hashes", "uploaded-prior-to",
	"log", "progress-bar",
}

// pipEnv makes pip's output the same everywhere.
var pipEnv = []string{
	"PYTHONUTF8=1",
	"PYTHONUNBUFFERED=1",
}

// userEnv returns env without variables that set other options of pip than settings.
func userEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		if runtime.GOOS == "windows" {
			name = strings.ToUpper(name)
		}
		option, isOption := strings.CutPrefix(name, "PIP_")
		if !isOption {
			return strings.HasPrefix(name, "_PIP_")
		}
		option = strings.ReplaceAll(strings.ToLower(option), "_", "-")
		return option != "config-file" && !slices.Contains(settings, option)
	})
}

// driverArgs are the arguments of the interpreter up to those of pip.
func driverArgs(t *target, s *selection) ([]string, error) {
	var source strings.Builder
	for _, each := range []struct {
		name  string
		value any
	}{{"target", t.markers}, {"settings", settings}, {"selection", s}} {
		text, err := json.Marshal(each.value)
		if err != nil {
			return nil, fmt.Errorf("pip: %w", err)
		}
		if string(text) == "null" {
			text = []byte("None")
		}
		fmt.Fprintf(&source, "%s = %s\n", each.name, text)
	}
	return []string{"-c", source.String() + driver}, nil
}

// pipArgs are the arguments of the interpreter that has pip install packages into
// place. They name no Python version, since pip runs on the embedded one and takes its
// version and ABI.
func pipArgs(t *target, in *inputs, place installPlace, extra []string) ([]string, error) {
	s := in.selectFor(t, place.selected)
	args, err := driverArgs(t, s)
	if err != nil {
		return nil, err
	}
	args = append(args, "install", "--no-compile", "--disable-pip-version-check", "--no-input", "--no-color",
		"--report", place.report, "--target", place.site)
	// First, since pip looks for "app" on the index unless it knows of "app @ file:…" by then.
	if s != nil {
		args = append(args, "-r", s.Out)
	}
	if in.requirements != "" {
		args = append(args, "-r", in.requirements)
	}
	for _, tag := range t.tags {
		args = append(args, "--platform", tag)
	}
	if len(t.tags) > 0 {
		args = append(args, "--only-binary=:all:")
	}
	if in.found.hashes {
		args = append(args, "--require-hashes")
	}
	return append(args, extra...), nil
}

// runPip runs a command of pip, whose output goes to out. Its error does not say why pip
// has failed.
func runPip(py interpreter, ctx context.Context, args []string, out *stream) error {
	cmd, err := command(py, ctx, args)
	if err != nil {
		return err
	}
	cmd.Env = append(userEnv(cmd.Environ()), pipEnv...)
	cmd.Stdout, cmd.Stderr = out, out
	defer out.close()
	return cmd.Run()
}

func command(py interpreter, ctx context.Context, args []string) (*exec.Cmd, error) {
	if ctx == nil {
		return py.PythonCmd2(args)
	}
	return py.PythonCmdContext(ctx, args...)
}
