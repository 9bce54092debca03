package python

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// known is written down from the sources of several versions of the
// interpreter, and not from the list that it tests.
const known = `PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONUSERBASE PYTHONSAFEPATH PYTHONTZPATH PYTHONINSPECT
PYTHONEXECUTABLE PYTHONPLATLIBDIR PYTHONWARNINGS PYTHONDOCS PYTHON_DOM PYTHON_GIL PYTHON_JIT PYTHON_PRESITE
PYTHON_PYMALLOC_HUGEPAGES PYTHON_BASIC_COMPLETER PYTHON_BASIC_REPL PYTHON_PATHCONFIG_WARNINGS PYTHONTHREADDEBUG
PYTHON_HISTORY PYTHON_COLORS PYTHON_CPU_COUNT PYTHONSTATS PYTHON_TLBC PYTHON_THREAD_INHERIT_CONTEXT
_PYTHON_SYSCONFIGDATA_NAME _PYTHON_SYSCONFIGDATA_PATH _PYTHON_HOST_PLATFORM _PYTHON_PROJECT_BASE
_PYTHON_SUBPROCESS_USE_POSIX_SPAWN __PYVENV_LAUNCHER__`

func TestVariablesAreSorted(t *testing.T) {
	if want := slices.Compact(slices.Sorted(slices.Values(pythonVars))); !slices.Equal(pythonVars, want) {
		t.Errorf("sorted and without repeats, it is %q", want)
	}
}

func TestKnownVariablesDoNotLeak(t *testing.T) {
	r := request{clean: true, inherited: []string{"KEPT=1", "PYTHON_APP_SETTING=1"}}
	for _, name := range strings.Fields(known) {
		r.inherited = append(r.inherited, name+"=leaked")
	}
	if got := r.environ(); !slices.Equal(got, []string{"KEPT=1", "PYTHON_APP_SETTING=1", "PYTHONNOUSERSITE=1"}) {
		t.Errorf("environment is %q", got)
	}
}

// noVariables are names in the interpreter and its library that look like
// variables and are none.
var noVariables = map[string]string{
	"_PYTHON_BUILD":                    "a constant of sysconfig",
	"PYTHON2_EXCEPTIONS":               "a constant of _compat_pickle",
	"PYTHON3_OSERROR_EXCEPTIONS":       "a constant of _compat_pickle",
	"PYTHON3_IMPORTERROR_EXCEPTIONS":   "a constant of _compat_pickle",
	"PYTHON_SOURCE_EXTENSION":          "a constant of distutils",
	"PYTHON_OBJS":                      "a variable of the makefile",
	"PYTHON_HEADERS":                   "a variable of the makefile",
	"PYTHON_FOR_REGEN":                 "a variable of the makefile",
	"PYTHON_FOR_FREEZE":                "a variable of the makefile",
	"PYTHON_FOR_BUILD":                 "a variable of the makefile",
	"PYTHON_FOR_BUILD_DEPS":            "a variable of the makefile",
	"PYTHONFRAMEWORK":                  "a variable of the makefile",
	"PYTHONFRAMEWORKDIR":               "a variable of the makefile",
	"PYTHONFRAMEWORKPREFIX":            "a variable of the makefile",
	"PYTHONFRAMEWORKINSTALLDIR":        "a variable of the makefile",
	"PYTHONFRAMEWORKINSTALLNAMEPREFIX": "a variable of the makefile",
	"PYTHONFRAMEWORKIDENTIFIER":        "a variable of the makefile",
	"PYTHON_LINKED":                    "part of a word in tests of the build",
}

var wholeVariable = regexp.MustCompile(`^_*PY(?:THON|VENV)_*[A-Z][A-Z0-9_]+$`)

// wordsIn calls f with the words of text that hold part.
func wordsIn(text []byte, part string, f func(word string)) {
	isWord := func(c byte) bool {
		return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
	}
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(part))
		if i < 0 {
			return
		}
		begin, end := at+i, at+i+len(part)
		for begin > 0 && isWord(text[begin-1]) {
			begin--
		}
		for end < len(text) && isWord(text[end]) {
			end++
		}
		f(string(text[begin:end]))
		at = end
	}
}

// What the embedded interpreter and its library have in them that looks like a
// variable is one that is hidden, or has a reason not to be.
func TestPayloadVariables(t *testing.T) {
	ep := sharedPython(t)
	found := make(map[string]string)
	err := filepath.WalkDir(ep.GetExtractedPath(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name := d.Name()
		binary := strings.HasPrefix(name, "python") && filepath.Ext(name) != ".py" || strings.HasPrefix(name, "libpython")
		if filepath.Ext(name) != ".py" && !binary || strings.Contains(filepath.ToSlash(path), "/site-packages/") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, part := range []string{"PYTHON", "PYVENV"} {
			wordsIn(text, part, func(word string) { found[word] = path })
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	variables := 0
	for name, path := range found {
		if !wholeVariable.MatchString(name) || noVariables[name] != "" {
			continue
		}
		variables++
		r := request{clean: true, inherited: []string{name + "=leaked"}}
		if slices.Contains(r.environ(), name+"=leaked") {
			t.Errorf("%s, which is in %s, leaks", name, path)
		}
	}
	if variables < 20 || found["PYTHONHOME"] == "" {
		t.Errorf("only %d variables were found: the test looks in the wrong place", variables)
	}
}
