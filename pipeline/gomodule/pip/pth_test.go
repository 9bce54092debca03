package pip

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goempy/goempy/embed_util"
)

const (
	hookName = "sitecustomize.py"

	// announce is a .pth file that reports that it is read, and adds a folder.
	announce = "import sys; sys.stderr.write('pth of NAME\\n')\nbelow\n"
)

func TestHookIsAddedWhenNeeded(t *testing.T) {
	for name, c := range map[string]struct {
		files  map[string]string
		needed bool
	}{
		"nothing":      {nil, false},
		"packages":     {map[string]string{"tool/__init__.py": ""}, false},
		"hidden":       {map[string]string{".tool.pth": "x\n"}, false},
		"below":        {map[string]string{"tool/tool.pth": "x\n"}, false},
		"folder":       {map[string]string{"tool.pth/x": ""}, false},
		"other case":   {map[string]string{"tool.PTH": "x\n"}, false},
		"own":          {map[string]string{hookName: "x = 1\n"}, false},
		"pth":          {map[string]string{"tool.pth": "x\n"}, true},
		"start":        {map[string]string{"tool.start": "tool:main\n"}, true},
		"odd name":     {map[string]string{"__editable__.tool-1.pth": "x\n"}, true},
		"pth and tidy": {map[string]string{"tool.pth": "x\n", "tool/__init__.py": ""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			site := t.TempDir()
			writeFiles(t, site, c.files)
			before := tree(t, site)
			if err := addHook(site); err != nil {
				t.Fatal(err)
			}
			after := tree(t, site)
			_, marked := os.Stat(filepath.Join(site, keptName))
			if c.needed {
				if after[hookName] != hook || marked != nil {
					t.Errorf("there is no hook: %q", names(after))
				}
				delete(after, hookName)
			} else if marked == nil {
				t.Error("the folder is marked")
			}
			if !slices.Equal(names(before), names(after)) {
				t.Errorf("%q became %q", names(before), names(after))
			}
		})
	}
}

func TestHookKeepsOtherSitecustomize(t *testing.T) {
	site := t.TempDir()
	writeFiles(t, site, map[string]string{
		"tool.pth":                              "x\n",
		"sitecustomize.py":                      "own = 1\n",
		"sitecustomize.cpython-314-x-linux.so":  "so",
		"sitecustomize/__init__.py":             "own = 2\n",
		"sitecustomize-1.dist-info/METADATA":    "m",
		"sitecustomize_more.py":                 "",
		"tool/sitecustomize.py":                 "",
		"goempy_sitecustomize/sitecustomize.py": "",
	})
	if err := addHook(site); err != nil {
		t.Fatal(err)
	}
	want := []string{"goempy-sitecustomize/sitecustomize.cpython-314-x-linux.so",
		"goempy-sitecustomize/sitecustomize.py", "goempy-sitecustomize/sitecustomize/__init__.py",
		"goempy_sitecustomize/sitecustomize.py", "sitecustomize-1.dist-info/METADATA",
		"sitecustomize.py", "sitecustomize_more.py", "tool.pth", "tool/sitecustomize.py"}
	files := tree(t, site)
	if got := names(files); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if files[hookName] != hook || files[want[1]] != "own = 1\n" {
		t.Errorf("got %q", files)
	}
}

// The folder stays where it is on sys.path, and what its .pth files add comes
// last, after the standard library, as it does in site-packages.
func TestHookReadsPthFiles(t *testing.T) {
	deep := "one" + string(filepath.Separator) + "deep"
	dir := generatedSite(t, "a", map[string]string{
		"b.pth":               "# a comment\n\n" + deep + "\r\nmissing\none\n.\n../a/one\n",
		"a.pth":               "two\nimport sys; sys.stderr.write('a\\n'); import in_two\n",
		"c-nspkg.pth":         nspkg,
		"space/x.pth":         "two\n",
		"one/deep/x.py":       "",
		"two/in_two.py":       "import sys\nsys.stderr.write('in two\\n')\n",
		"spaces here/x.py":    "",
		"d.pth":               "spaces here \n",
		"ns/part/__init__.py": "",
	})
	s := startPython(t, []string{dir, dir})
	s.checkPath(t, []string{dir}, dir, filepath.Join(dir, "two"), filepath.Join(dir, deep),
		filepath.Join(dir, "one"), filepath.Join(dir, "spaces here"))
	s.checkStderr(t, "a", "in two")
	if slices.Index(s.Path, filepath.Join(dir, "two")) != len(s.Path)-4 {
		t.Errorf("the folder of a .pth file is not last on %q", s.Path)
	}
	if s.Module == filepath.Join(dir, hookName) && len(s.Names) > 0 {
		t.Errorf("the hook has left %q", s.Names)
	}
}

// nspkg is what setuptools has written for a namespace package for years. It
// looks into the function that executes it.
const nspkg = "import sys, types, os;has_mfs = sys.version_info > (3, 5);" +
	"p = os.path.join(sys._getframe(1).f_locals['sitedir'], *('ns',));" +
	"importlib = has_mfs and __import__('importlib.util');has_mfs and __import__('importlib.machinery');" +
	"m = has_mfs and sys.modules.setdefault('ns', importlib.util.module_from_spec(importlib.machinery." +
	"PathFinder.find_spec('ns', [os.path.dirname(p)])));m = m or sys.modules.setdefault('ns', types.ModuleType('ns'));" +
	"mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)\n"

// Since Python 3.15, package site does not read a folder that it knows, but it
// does not add one twice either.
func TestHookWithSiteOfPython315(t *testing.T) {
	const python315 = `
import os, site, sys
def addsitedir(folder, known=None):
    known = site._init_pathinfo() if known is None else known
    if os.path.normcase(folder) not in known:
        known.add(os.path.normcase(folder))
        if folder not in sys.path:
            sys.path.append(folder)
        for name in sorted(os.listdir(folder)):
            if name.endswith(".pth"):
                site.addpackage(folder, name, known)
site.addsitedir = addsitedir
import sitecustomize
`
	a, b := withPth(t, "a", nil), withPth(t, "b", nil)
	s := startPythonWith(t, python315, []string{a, b}, "-S")
	s.checkStderr(t, "pth of a", "pth of b")
	s.checkPath(t, []string{a, b}, a, b, filepath.Join(a, "below"), filepath.Join(b, "below"))
}

// Several generated folders and a sitecustomize of the user all work, wherever
// it is behind the first of them. Each .pth file is read once.
func TestHookGoesOn(t *testing.T) {
	a, b := withPth(t, "a", nil), withPth(t, "b", nil)
	plain := generatedSite(t, "plain", map[string]string{"tool.py": ""})
	user := t.TempDir()
	writeFiles(t, user, map[string]string{hookName: "import sys\nsys.stderr.write('user\\n')\nvalue = __name__\n"})
	below := []string{filepath.Join(a, "below"), filepath.Join(b, "below")}
	for _, path := range [][]string{
		{a, b, plain, user}, {a, user, b}, {plain, a, b, user}, {a, plain, b, user, a},
	} {
		s := startPython(t, path)
		s.checkStderr(t, "pth of a", "pth of b", "user")
		s.checkPath(t, below, below...)
		if s.Module != filepath.Join(user, hookName) || s.Values["value"] != "sitecustomize" {
			t.Errorf("sitecustomize is %q with %q", s.Module, s.Values)
		}
	}
	// Without one of the user, it is the machine's, or else the hook.
	s := startPython(t, []string{b, a})
	s.checkStderr(t, "pth of b", "pth of a")
	if s.Module == filepath.Join(a, hookName) {
		t.Error("two hooks ran")
	}
}

// A sitecustomize in a folder that a .pth file names is found, as it is when
// that file is in site-packages.
func TestHookFindsSitecustomizeOfPth(t *testing.T) {
	dir := withPth(t, "a", map[string]string{"below/" + hookName: "value = 1\n"})
	s := startPython(t, []string{dir})
	s.checkStderr(t, "pth of a")
	if s.Module == filepath.Join(dir, hookName) {
		t.Errorf("sitecustomize is %q", s.Module)
	}
}

// A sitecustomize of the packages runs, after all .pth files, and hides those
// behind it, as it does without .pth files.
func TestHookRunsOwnSitecustomize(t *testing.T) {
	const text = "import sys\nsys.stderr.write('own %s\\n' % ('tool' in sys.modules))\nvalue = 'own'\n"
	user := t.TempDir()
	writeFiles(t, user, map[string]string{hookName: "import sys\nsys.stderr.write('user\\n')\n"})
	for _, own := range []map[string]string{
		{hookName: text},
		{"sitecustomize/__init__.py": "from .part import *\n", "sitecustomize/part.py": text},
	} {
		own["tool.py"] = ""
		own["z.pth"] = "import tool\n"
		a, b := withPth(t, "a", own), withPth(t, "b", nil)
		for _, path := range [][]string{{a, b, user}, {b, a, user}} {
			s := startPython(t, path)
			first := filepath.Base(path[0])
			second := filepath.Base(path[1])
			s.checkStderr(t, "pth of "+first, "pth of "+second, "own True")
			if s.Values["value"] != "own" || !strings.HasPrefix(s.Module, a) {
				t.Errorf("sitecustomize is %q with %q", s.Module, s.Values)
			}
		}
		s := startPython(t, []string{b, user, a})
		s.checkStderr(t, "pth of b", "pth of a", "user")
	}
}

// An error of the sitecustomize that follows is reported by Python as without
// the hook, and the interpreter starts.
func TestHookReportsErrors(t *testing.T) {
	dir := withPth(t, "a", map[string]string{"b.pth": "import no_such_module_of_pth\n"})
	user := t.TempDir()
	writeFiles(t, user, map[string]string{hookName: "raise ValueError('of the user')\n"})
	plain := startPython(t, []string{user})
	s := startPython(t, []string{dir, user})
	if s.Module != "" || plain.Module != "" {
		t.Errorf("sitecustomize is %q, without a hook %q", s.Module, plain.Module)
	}
	if n := len(s.Stderr) - len(plain.Stderr); n < 1 || !slices.Equal(s.Stderr[n:], plain.Stderr) {
		t.Errorf("stderr is %q, without a hook %q", s.Stderr, plain.Stderr)
	}
	if !strings.Contains(strings.Join(s.Stderr, "\n"), "no_such_module_of_pth") {
		t.Errorf("the error of the .pth file is not in %q", s.Stderr)
	}
}

func TestHookIsOffInIsolatedMode(t *testing.T) {
	dir := withPth(t, "a", nil)
	for _, arg := range []string{"-I", "-E", "-S"} {
		s := startPython(t, []string{dir}, arg)
		s.checkStderr(t, "")
		if strings.HasPrefix(s.Module, dir) {
			t.Errorf("%s: sitecustomize is %q", arg, s.Module)
		}
	}
}

// What is packed and extracted works, so the mark is there too, an empty folder.
func TestHookIsPacked(t *testing.T) {
	packed := filepath.Join(t.TempDir(), "packed")
	if err := (&work{}).pack(&target{folder: "x"}, packed, withPth(t, "a", nil), ""); err != nil {
		t.Fatal(err)
	}
	e, err := embed_util.NewEmbeddedFilesWithTmpDir(os.DirFS(packed), filepath.Join(t.TempDir(), "out"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Cleanup() }()
	s := startPython(t, []string{e.GetExtractedPath()})
	s.checkStderr(t, "pth of a")
	if err := e.Verify(); err != nil {
		t.Errorf("after a start: %v", err)
	}
}
