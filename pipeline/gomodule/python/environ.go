package python

import (
	"os"
	"slices"
	"strings"
)

// pythonVars are the variables that change what an interpreter is or does:
// those of "python --help-env" of all versions, what launchers set, and what
// the interpreter and its standard library read without documenting it. Other
// names that begin with PYTHON belong to programs and pass. The list is sorted.
var pythonVars = []string{
	"PYTHONASYNCIODEBUG", "PYTHONBREAKPOINT", "PYTHONCASEOK", "PYTHONCOERCECLOCALE",
	"PYTHONDEBUG", "PYTHONDEVMODE", "PYTHONDOCS", "PYTHONDONTWRITEBYTECODE", "PYTHONDUMPREFS",
	"PYTHONDUMPREFSFILE", "PYTHONEXECUTABLE", "PYTHONFAULTHANDLER", "PYTHONHASHSEED",
	"PYTHONHOME", "PYTHONINSPECT", "PYTHONINTMAXSTRDIGITS", "PYTHONIOENCODING",
	"PYTHONISOLATED", "PYTHONLEGACYWINDOWSFSENCODING", "PYTHONLEGACYWINDOWSSTDIO",
	"PYTHONMALLOC", "PYTHONMALLOCSTATS", "PYTHONNODEBUGRANGES", "PYTHONNOUSERSITE",
	"PYTHONOPTIMIZE", "PYTHONPATH", "PYTHONPERFSUPPORT", "PYTHONPLATLIBDIR",
	"PYTHONPROFILEIMPORTTIME", "PYTHONPYCACHEPREFIX", "PYTHONSAFEPATH", "PYTHONSTARTUP",
	"PYTHONSTATS", "PYTHONTHREADDEBUG", "PYTHONTRACEMALLOC", "PYTHONTZPATH",
	"PYTHONUNBUFFERED", "PYTHONUSERBASE", "PYTHONUTF8", "PYTHONVERBOSE",
	"PYTHONWARNDEFAULTENCODING", "PYTHONWARNINGS",

	"PYTHON_BASIC_COMPLETER", "PYTHON_BASIC_REPL", "PYTHON_COLORS",
	"PYTHON_CONTEXT_AWARE_WARNINGS", "PYTHON_CPU_COUNT", "PYTHON_DISABLE_REMOTE_DEBUG",
	"PYTHON_DOM", "PYTHON_FROZEN_MODULES", "PYTHON_GC_PRESET", "PYTHON_GIL", "PYTHON_HISTORY",
	"PYTHON_JIT", "PYTHON_JIT_JUMP_BACKWARD_INITIAL_VALUE", "PYTHON_JIT_RESUME_INITIAL_VALUE",
	"PYTHON_JIT_SIDE_EXIT_INITIAL_VALUE", "PYTHON_LAZY_IMPORTS", "PYTHON_LLTRACE",
	"PYTHON_OPT_DEBUG", "PYTHON_PATHCONFIG_WARNINGS", "PYTHON_PERF_JIT_SUPPORT",
	"PYTHON_PRESITE", "PYTHON_PYMALLOC_HUGEPAGES", "PYTHON_THREAD_INHERIT_CONTEXT",
	"PYTHON_TLBC", "PYTHON_UOPS", "PYTHON_UOPS_OPTIMIZE",

	"_PYTHON_HOST_PLATFORM", "_PYTHON_PROJECT_BASE", "_PYTHON_SUBPROCESS_USE_POSIX_SPAWN",
	"_PYTHON_SYSCONFIGDATA_NAME", "_PYTHON_SYSCONFIGDATA_PATH", "__PYVENV_LAUNCHER__",
}

// request is what an environment is made of.
type request struct {
	inherited []string
	foldCase  bool     // case does not count in names of variables
	clean     bool     // hide pythonVars and the user's site-packages
	home      string   // PYTHONHOME, "" for none
	path      []string // PYTHONPATH
	certFile  func() string
}

// environ returns the environment as a list for exec.Cmd.
func (r *request) environ() []string {
	env := make([]string, 0, len(r.inherited)+4)
	path := slices.Clone(r.path)
	certs := false
	for _, kv := range r.inherited {
		name := r.name(kv)
		switch {
		case r.clean && slices.Contains(pythonVars, name):
			continue
		case name == "PYTHONPATH" && len(r.path) > 0:
			if _, value, _ := strings.Cut(kv, "="); value != "" && !r.clean {
				path = append(path, value)
			}
			continue
		case name == "PYTHONHOME" && r.home != "":
			continue
		case name == "SSL_CERT_FILE" || name == "SSL_CERT_DIR":
			certs = true
		}
		env = append(env, kv)
	}
	if r.clean {
		env = append(env, "PYTHONNOUSERSITE=1")
	}
	if r.home != "" {
		env = append(env, "PYTHONHOME="+r.home)
	}
	if len(path) > 0 {
		env = append(env, "PYTHONPATH="+strings.Join(path, string(os.PathListSeparator)))
	}
	if !certs && r.certFile != nil {
		if file := r.certFile(); file != "" {
			env = append(env, "SSL_CERT_FILE="+file)
		}
	}
	return env
}

// name returns the variable's name in the form that pythonVars has.
func (r *request) name(kv string) string {
	name, _, _ := strings.Cut(kv, "=")
	if r.foldCase {
		return strings.ToUpper(name)
	}
	return name
}
