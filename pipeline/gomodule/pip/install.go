package pip

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// installPlace says where pip installs, by absolute paths.
type installPlace struct {
	site     string // a directory
	report   string // pip's file about what it has installed (--report)
	selected string // requirements of what is selected for the platform
}

// install has pip install the packages of one platform. It returns which these are.
func install(py interpreter, t *target, in *inputs, place installPlace, o *options, out *stream) ([]installed, error) {
	args, err := pipArgs(t, in, place, o.pipArgs)
	if err != nil {
		return nil, err
	}
	err = runPip(py, o.ctx, args, out)
	if err == nil {
		packages, err := checkInstalled(t, place, in.found.requirements)
		if text := needs(packages); err == nil && text != "" {
			_, _ = fmt.Fprintln(out, text)
		}
		return packages, err
	}
	if done := o.err(); done != nil {
		return nil, fmt.Errorf("pip: install for %s: %w", t.name, done)
	}
	output := out.text()
	if missing := missingWheel(output); missing != "" {
		return nil, &WheelError{Package: missing, Platform: t.name, Tags: t.tags, Output: output}
	}
	return nil, fmt.Errorf("pip: install for %s: %w%s: %s", t.name, err, withoutPip(output), reason(output))
}

// withoutPip is a hint for an interpreter that has no pip.
func withoutPip(output string) string {
	if strings.Contains(output, "No module named pip") || strings.Contains(output, "No module named 'pip") {
		return " (this interpreter has no pip: add the path of NewPipLib to it with AddPythonPath)"
	}
	return ""
}

// checkInstalled checks that pip, which reports success, has installed something into
// the right directory and for the right platform. Nothing is right if there are no
// requirements, or if markers exclude all of them. It returns what was installed.
func checkInstalled(t *target, place installPlace, required bool) ([]installed, error) {
	var summary struct {
		Install     []installed       `json:"install"`
		Environment map[string]string `json:"environment"`
	}
	text, err := os.ReadFile(place.report)
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &summary); err != nil {
			return nil, fmt.Errorf("pip: read the report for %s: %w", t.name, err)
		}
		required = len(summary.Install) > 0
	case !errors.Is(err, fs.ErrNotExist): // an argument of the caller may name another
		return nil, fmt.Errorf("pip: read the report for %s: %w", t.name, err)
	}
	for _, name := range []string{"sys_platform", "platform_machine"} {
		if got, want := summary.Environment[name], t.markers[name]; got != "" && want != "" && got != want {
			return nil, fmt.Errorf("pip: install for %s: pip has evaluated markers for %s %q, not %q", t.name, name, got, want)
		}
	}
	files, err := os.ReadDir(place.site)
	if err != nil {
		return nil, fmt.Errorf("pip: %w", err)
	}
	if len(files) == 0 && required {
		return nil, fmt.Errorf("pip: install for %s: pip reports success, but nothing was installed, although there are requirements: "+
			"see its output and the arguments of WithPipArgs", t.name)
	}
	return summary.Install, checkEditable(t, place.site)
}
