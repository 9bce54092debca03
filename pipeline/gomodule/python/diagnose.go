package python

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"unicode/utf16"
)

// noLibrary is what Python writes when it finds no standard library.
const noLibrary = `No module named '?encodings|Could not find platform`

// clues are what loaders and interpreters write when they cannot start, and
// what that means. The first that matches counts.
var clues = []struct {
	pattern string
	cause   string
}{
	{"version [`'\"]?GLIBC_([0-9.]+)['\"]? not found",
		"this host's glibc is older than GLIBC_$1, which this Python needs: use a release built for an older glibc, or build with -tags musl where the release carries musl"},
	{`Error relocating|symbol not found`,
		"built for glibc, this host has musl: build with -tags musl"},
	{`error while loading shared libraries: ([^ :]+): (?:file too short|invalid ELF header|wrong ELF class|cannot read)`,
		"$1 is another file of that name: remove its folder from LD_LIBRARY_PATH"},
	{`symbol lookup error: ([^ :]+): undefined symbol`,
		"$1 was loaded with another library than its own: unset LD_LIBRARY_PATH and LD_PRELOAD"},
	{`error while loading shared libraries: ([^ :]+)`,
		"the shared library $1 is missing on this host"},
	{`Library not loaded: (\S+)`,
		"the shared library $1 is missing on this host"},
	{noLibrary,
		"the standard library was not found beside the interpreter: call Repair, or remove the directory"},
	{`(?i)CPU.*(?:not support|ISA level)|x86-64-v[234]`,
		"built for a newer CPU than this host has: build with a lower GOAMD64"},
	{`(?i)permission denied`,
		"this system does not let programs run from that directory: use NewEmbeddedPythonInCacheDir"},
}

// likelyCause guesses what keeps an interpreter from starting.
func likelyCause(exe, stderr string, err error) string {
	long := pathCause(runtime.GOOS, exe)
	for _, c := range clues {
		text := regexp.MustCompile(c.pattern)
		if m := text.FindStringSubmatchIndex(stderr); m != nil {
			if c.pattern == noLibrary && long != "" {
				return long
			}
			return string(text.ExpandString(nil, c.cause, stderr, m))
		}
	}
	switch {
	case long != "":
		return long
	case errors.Is(err, fs.ErrPermission):
		return "this system does not let programs run from that directory (noexec mount or a security policy): use NewEmbeddedPythonInCacheDir"
	case isWrongFormat(err):
		return fmt.Sprintf("not a program for %s/%s", runtime.GOOS, runtime.GOARCH)
	case errors.Is(err, fs.ErrNotExist):
		return missingLoader(exe)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		switch state := exit.String(); {
		case strings.Contains(state, "illegal instruction"):
			return "built for a newer CPU than this host has: build with a lower GOAMD64"
		case runtime.GOOS == "darwin" && strings.Contains(state, "killed"):
			return "macOS refuses the program's signature, or has it in quarantine"
		}
	}
	return ""
}

// maxWindowsPath is how many UTF-16 code units a path has at most on Windows: its
// MAX_PATH, less the NUL at the end.
const maxWindowsPath = 259

// pathCause explains an interpreter that Windows, or Python on it, cannot open
// because of the length of its path or of the first modules that it imports.
func pathCause(goos, exe string) string {
	if goos != "windows" {
		return ""
	}
	module := filepath.Join(filepath.Dir(exe), "Lib", "encodings", "__init__.py")
	length := len(utf16.Encode([]rune(module)))
	if length <= maxWindowsPath {
		return ""
	}
	return fmt.Sprintf("the path of its standard library has %d characters, and Windows allows %d unless long paths are enabled: "+
		"extract to a directory with a shorter name, or enable long paths (LongPathsEnabled in the registry)", length, maxWindowsPath)
}

// missingLoader explains a program that is there and yet "not found": the
// system has not got the loader that it names.
func missingLoader(exe string) string {
	f, err := elf.Open(exe)
	if err != nil {
		return ""
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP || p.Filesz > 4096 {
			continue
		}
		b := make([]byte, p.Filesz)
		if _, err := p.ReadAt(b, 0); err != nil {
			return ""
		}
		return loaderCause(strings.TrimRight(string(b), "\x00"), haveFile)
	}
	return ""
}

func haveFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func loaderCause(loader string, have func(string) bool) string {
	switch {
	case have(loader):
		return ""
	case strings.Contains(loader, "musl"):
		return "built for musl, this host has no musl (" + loader + "): build without -tags musl"
	case strings.Contains(loader, "ld-linux") || strings.Contains(loader, "ld64"):
		return "built for glibc, this host has musl or no libc at all (" + loader + " is missing): build with -tags musl"
	}
	return "this host has no " + loader
}
