package python

import (
	"slices"
	"testing"

	"github.com/goempy/goempy/python/internal/data"
)

func TestConstantsAreEmptyWithoutAPayload(t *testing.T) {
	if data.Platform != "" {
		t.Skip("this build embeds a payload")
	}
	if Version != "" || PBS != "" || Platform != "" {
		t.Errorf("Version %q, PBS %q, Platform %q without a payload", Version, PBS, Platform)
	}
}

// The constants are generated, so the interpreter is asked what it is.
func TestPayloadIsWhatTheConstantsSay(t *testing.T) {
	ep := sharedPython(t)
	code := `import platform, sysconfig
print(platform.python_version() + ("t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""))`
	if got := output(t, ep, code); got != Version {
		t.Errorf("Version is %q, the interpreter says %q", Version, got)
	}
	if PBS == "" || PBS != data.PBS {
		t.Errorf("PBS is %q, the release embeds %q", PBS, data.PBS)
	}
	if !slices.Contains(data.Platforms, Platform) {
		t.Errorf("Platform %q is not among %q", Platform, data.Platforms)
	}
}
