package pip

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// pip succeeds and has put its packages elsewhere, or nowhere.
func TestNothingInstalled(t *testing.T) {
	py := newFake(t)
	dir := t.TempDir()
	if err := installAll(t, py, dir, []string{"linux-arm64"}); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	for kind, want := range map[string]string{
		"empty":     "nothing was installed",
		"elsewhere": "nothing was installed",
		"other":     `markers for sys_platform "beos", not "linux"`,
	} {
		t.Setenv("FAKE_PIP", "tag_linux-arm64 "+kind)
		err := installAll(t, py, dir, []string{"linux-arm64"})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "linux-arm64") {
			t.Errorf("%s: %v", kind, err)
		}
		after := tree(t, dir)
		for name, text := range before {
			if after[name] != text {
				t.Errorf("%s: %s has changed", kind, name)
			}
		}
	}
	t.Setenv("FAKE_PIP", "tag_linux-arm64 excluded")
	if err := installAll(t, py, dir, []string{"linux-arm64"}); err != nil {
		t.Errorf("markers exclude everything: %v", err)
	}
	if files := unpack(t, filepath.Join(dir, "linux-arm64")); len(files) != 0 {
		t.Errorf("there is %q", names(files))
	}
}

func TestSettingsInVariables(t *testing.T) {
	py := newFake(t)
	for _, name := range []string{"PIP_ROOT", "PIP_PYTHON", "PIP_PREFIX", "PIP_TARGET", "_PIP_X"} {
		t.Setenv(name, "/elsewhere")
	}
	t.Setenv("PIP_INDEX_URL", "kept")
	if err := installAll(t, py, t.TempDir(), nil); err != nil {
		t.Error(err)
	}
	env := []string{"PATH=/bin", "PIPX=1", "PIP_INDEX_URL=a", "PIP_EXTRA_INDEX_URL=a", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=a",
		"PIP_TRUSTED_HOST=a", "PIP_PROXY=a", "PIP_CERT=a", "PIP_CLIENT_CERT=a", "PIP_DEFAULT_TIMEOUT=1", "PIP_CONFIG_FILE=a"}
	all := slices.Clone(env)
	for _, name := range []string{"ROOT", "PYTHON", "PREFIX", "TARGET", "PYTHON_VERSION", "ABI", "IMPLEMENTATION", "PLATFORM",
		"EDITABLE", "REQUIREMENT", "USER", "DRY_RUN", "NO_DEPS", "REPORT", "QUIET", "NO_BINARY", "SRC", "ISOLATED"} {
		all = append(all, "PIP_"+name+"=x")
	}
	if got := userEnv(all); !slices.Equal(got, env) {
		t.Errorf("left %q", got)
	}
}

func TestContextEndsPip(t *testing.T) {
	py := newFake(t)
	dir := t.TempDir()
	t.Setenv("FAKE_PIP", "tag_linux-arm64 slow")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := installAll(t, py, dir, []string{"linux-arm64"}, WithContext(ctx))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if py.contexts != 1 {
		t.Errorf("%d commands with a context", py.contexts)
	}
	if err := installAll(t, py, dir, nil, WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) || py.contexts != 1 {
		t.Errorf("after the end: %v", err)
	}
	if files := tree(t, dir); len(files) != 0 {
		t.Errorf("there is %q", names(files))
	}
}
