package pip

import (
	"fmt"
	"go/build"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/payload"
	"github.com/goempy/goempy/internal/platforms"
)

// synthetic is a release with everything that narrows a platform.
var synthetic = []platforms.Platform{
	{Name: "darwin-arm64", GOOS: "darwin", GOARCH: "arm64"},
	{Name: "linux-amd64", GOOS: "linux", GOARCH: "amd64"},
	{Name: "linux-amd64-musl", GOOS: "linux", GOARCH: "amd64", Libc: "musl"},
	{Name: "linux-amd64-musl-v2", GOOS: "linux", GOARCH: "amd64", Libc: "musl", GOAMD64: "v2"},
	{Name: "linux-amd64-v3", GOOS: "linux", GOARCH: "amd64", GOAMD64: "v3"},
	{Name: "linux-amd64-v4", GOOS: "linux", GOARCH: "amd64", GOAMD64: "v4"},
	{Name: "linux-musl-arm64", GOOS: "linux", GOARCH: "arm64", Libc: "musl"},
	{Name: "linux-arm64", GOOS: "linux", GOARCH: "arm64"},
	{Name: "windows-amd64", GOOS: "windows", GOARCH: "amd64"},
}

// Every build takes the Go file of one platform, whatever Go reads into the
// files' names.
func TestOneFileABuild(t *testing.T) {
	dir := t.TempDir()
	targets, err := choose(synthetic, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		src := goSource(target)
		if formatted, err := format.Source(src); err != nil || string(formatted) != string(src) {
			t.Errorf("%s is not gofmt: %v", target.goFile, err)
		}
		writeFiles(t, dir, map[string]string{
			target.goFile: string(src),
			target.folder + "/" + payload.ManifestName: "{}",
			target.folder + "/0123456789abcdef.zst":    "x",
		})
	}
	for want, ctx := range map[string]build.Context{
		"darwin-arm64":        {GOOS: "darwin", GOARCH: "arm64"},
		"linux-amd64":         {GOOS: "linux", GOARCH: "amd64", ToolTags: []string{"amd64.v1", "amd64.v2"}},
		"linux-amd64-musl":    {GOOS: "linux", GOARCH: "amd64", BuildTags: []string{"musl"}, ToolTags: []string{"amd64.v1"}},
		"linux-amd64-musl-v2": {GOOS: "linux", GOARCH: "amd64", BuildTags: []string{"musl"}, ToolTags: []string{"amd64.v1", "amd64.v2", "amd64.v3"}},
		"linux-amd64-v3":      {GOOS: "linux", GOARCH: "amd64", ToolTags: []string{"amd64.v1", "amd64.v2", "amd64.v3"}},
		"linux-amd64-v4":      {GOOS: "linux", GOARCH: "amd64", ToolTags: []string{"amd64.v1", "amd64.v2", "amd64.v3", "amd64.v4"}},
		"linux-musl-arm64":    {GOOS: "linux", GOARCH: "arm64", BuildTags: []string{"musl"}},
		"linux-arm64":         {GOOS: "linux", GOARCH: "arm64"},
		"windows-amd64":       {GOOS: "windows", GOARCH: "amd64", ToolTags: []string{"amd64.v1", "amd64.v2", "amd64.v3"}},
	} {
		ctx.Compiler = "gc"
		pkg, err := ctx.ImportDir(dir, 0)
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		if !slices.Equal(pkg.EmbedPatterns, []string{"all:" + want}) {
			t.Errorf("%s: %q embed %q", want, pkg.GoFiles, pkg.EmbedPatterns)
		}
	}
}

// The file of a plain platform replaces the one that go-embed-python and
// embed_util.WriteEmbedGoFile write.
func TestGoFileName(t *testing.T) {
	for name, want := range map[string]string{
		"linux-amd64":      "embed_linux_amd64.go",
		"linux-amd64-musl": "embed_linux_amd64_musl_data.go",
		"alpine-windows":   "embed_alpine_windows_data.go",
	} {
		if got := goFileName(name, "linux", "amd64"); got != want {
			t.Errorf("%s has %s", name, got)
		}
	}
}

// Builds for a level of GOAMD64 that is left out take the next lower one.
func TestConstraintOfSome(t *testing.T) {
	for names, want := range map[string]string{
		"linux-amd64":                               "linux && amd64 && !musl && !android",
		"linux-amd64 linux-amd64-v4":                "linux && amd64 && !musl && !android && !amd64.v4",
		"linux-amd64 linux-amd64-musl-v2":           "linux && amd64 && !musl && !android",
		"linux-amd64 linux-amd64-v3 linux-amd64-v4": "linux && amd64 && !musl && !android && !amd64.v3",
	} {
		targets, err := choose(synthetic, nil, strings.Fields(names))
		if err != nil || targets[0].constraint != want {
			t.Errorf("%q: %q, %v", names, targets[0].constraint, err)
		}
	}
}

func targetNames(targets []*target) string {
	var all []string
	for _, t := range targets {
		all = append(all, t.name)
	}
	return strings.Join(all, " ")
}

func TestChoose(t *testing.T) {
	for names, want := range map[string]string{
		"":                                      "darwin-arm64 linux-amd64 linux-amd64-musl linux-amd64-musl-v2 linux-amd64-v3 linux-amd64-v4 linux-musl-arm64 linux-arm64 windows-amd64",
		"windows-amd64 linux/amd64":             "linux-amd64 windows-amd64",
		"linux/amd64/v3 linux-amd64-v3":         "linux-amd64-v3",
		"linux-arm64 linux/arm64 linux-arm64":   "linux-arm64",
		"linux-amd64-musl linux-amd64/musl-v2 ": "linux-amd64-musl linux-amd64-musl-v2",
	} {
		got, err := choose(synthetic, nil, strings.Fields(names))
		if err != nil || targetNames(got) != want {
			t.Errorf("%q gives %q, %v", names, targetNames(got), err)
		}
	}
	_, err := choose(synthetic, nil, []string{"linux-amd64", "plan9/amd64", "amiga"})
	if err == nil {
		t.Fatal("unknown platforms were taken")
	}
	for _, part := range []string{`"amiga", "plan9-amd64"`, "darwin-arm64, linux-amd64,"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}

func TestNewTarget(t *testing.T) {
	got, err := newTarget(synthetic, nil, "linux", "amd64", []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	if got.constraint != "linux && amd64 && !musl && !android" || got.folder != "linux-amd64" || got.markers["sys_platform"] != "linux" {
		t.Errorf("a known platform: %+v", got)
	}
	got, err = newTarget(synthetic, nil, "freebsd", "amd64", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.constraint != "freebsd && amd64" || got.goFile != "embed_freebsd_amd64.go" || got.markers != nil {
		t.Errorf("another platform: %+v", got)
	}
	got, err = newTarget(synthetic, nil, "", "", nil)
	if err != nil || got.folder != "" || got.markers != nil {
		t.Errorf("this machine: %+v, %v", got, err)
	}
	for _, bad := range [][2]string{{"linux", ""}, {"../x", "amd64"}, {"linux", "a b"}, {"linux-x", "amd64"}} {
		if _, err := newTarget(synthetic, nil, bad[0], bad[1], nil); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// Every platform of this release is one whose markers are known.
func TestReleasePlatforms(t *testing.T) {
	for _, p := range platforms.All {
		if markersFor(p.GOOS, p.GOARCH) == nil {
			t.Errorf("%s has no markers", p.Name)
		}
		if len(p.WheelTags) == 0 {
			t.Errorf("%s has no wheel tags", p.Name)
		}
		if !strings.HasPrefix(p.Name, p.GOOS) {
			t.Errorf("%+v", p)
		}
	}
	if !slices.IsSortedFunc(platforms.All, func(a, b platforms.Platform) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted")
	}
}

func TestPipArgs(t *testing.T) {
	place := installPlace{site: "/site", report: "/report", selected: "/selected"}
	args, err := pipArgs(&target{tags: []string{"t1", "t2"}, markers: markersFor("windows", "arm64")},
		&inputs{requirements: "r.txt", found: found{hashes: true}}, place, []string{"--no-index"})
	if err != nil {
		t.Fatal(err)
	}
	want := "install --no-compile --disable-pip-version-check --no-input --no-color --report /report --target /site -r r.txt " +
		"--platform t1 --platform t2 --only-binary=:all: --require-hashes --no-index"
	if got := strings.Join(args[2:], " "); got != want {
		t.Errorf("got %s", got)
	}
	if !strings.HasPrefix(args[1], `target = {"os_name":"nt","platform_machine":"ARM64","platform_release":"","platform_system":"Windows",`) {
		t.Errorf("the driver begins with %.200s", args[1])
	}
	args, err = pipArgs(&target{}, &inputs{lock: "pylock.toml"}, place, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(args[2:], " "); strings.Contains(got, "binary") || strings.Contains(got, "hashes") || !strings.HasSuffix(got, "--target /site -r /selected") {
		t.Errorf("got %s", got)
	}
	if !strings.HasPrefix(args[1], "target = None\n") {
		t.Errorf("the driver begins with %.50s", args[1])
	}
	args, err = pipArgs(&target{}, &inputs{wheels: []string{"app-1-py3-none-any.whl"}, requirements: "r.txt"}, place, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(args[2:], " "); !strings.HasSuffix(got, " -r /selected -r r.txt") {
		t.Errorf("got %s", got)
	}
}

func TestPublish(t *testing.T) {
	dir := t.TempDir()
	dst := filepath.Join(dir, "linux-amd64")
	for i := range 3 {
		stage, err := newStage(dst)
		if err != nil {
			t.Fatal(err)
		}
		writeFiles(t, stage, map[string]string{"file": fmt.Sprint(i)})
		if err := replaceDir(stage, dst); err != nil {
			t.Fatal(err)
		}
		if got := tree(t, dir); len(got) != 1 || got["linux-amd64/file"] != fmt.Sprint(i) {
			t.Errorf("there is %q", got)
		}
	}
	if st, err := os.Stat(dst); err != nil || st.Mode().Perm()&0o055 != 0o055 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

func TestLeftoversOfKilledRuns(t *testing.T) {
	dir := t.TempDir()
	dst := filepath.Join(dir, "linux-amd64")
	writeFiles(t, dir, map[string]string{
		".goempy-linux-amd64.1/half":          "x",
		".goempy-linux-amd64.2.old/file":      "the last result",
		".goempy-linux-amd64-musl.3/half":     "of another platform",
		".goempy-linux-amd64.4":               "a file",
		"linux-arm64/" + payload.ManifestName: "x",
	})
	stage, err := newStage(dst)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(stage); err != nil {
		t.Fatal(err)
	}
	want := []string{".goempy-linux-amd64-musl.3/half", ".goempy-linux-amd64.4", "linux-amd64/file", "linux-arm64/" + payload.ManifestName}
	if got := names(tree(t, dir)); !slices.Equal(got, want) {
		t.Errorf("there is %q", got)
	}
}

// When the new result cannot be put in place, the old one is.
func TestReplaceDirFails(t *testing.T) {
	dir := t.TempDir()
	dst := filepath.Join(dir, "linux-amd64")
	writeFiles(t, dst, map[string]string{"file": "old"})
	if err := replaceDir(filepath.Join(dir, "missing"), dst); err == nil {
		t.Error("no error")
	}
	if got := tree(t, dir); got["linux-amd64/file"] != "old" {
		t.Errorf("there is %q", got)
	}
}

func TestReplaceable(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		want  bool
	}{
		"missing":                {nil, true},
		"packages":               {[]string{"files.json", "0123.zst", "embed.go", ".gitignore"}, true},
		"of go-embed-python":     {[]string{"files.json", "jinja2/__init__.py", "six.py", "embed.go"}, true},
		"only git files":         {[]string{".gitignore"}, true},
		"a program":              {[]string{"main.go"}, false},
		"a program's":            {[]string{"files.json", "embed.go", "main.go"}, false},
		"a module":               {[]string{"files.json", "go.mod"}, false},
		"a repository":           {[]string{"files.json", ".git/HEAD"}, false},
		"other platforms":        {[]string{"embed_linux_amd64.go", "linux-amd64/files.json"}, false},
		"something":              {[]string{"README"}, false},
		"a folder .gitignore":    {[]string{".gitignore/x"}, false},
		"one that only has code": {[]string{"embed.go"}, true},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		for _, f := range c.files {
			writeFiles(t, dir, map[string]string{f: "x"})
		}
		if err := replaceable(dir); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
