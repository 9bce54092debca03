package python

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// EntryPointer makes commands of the entry points of packages. EmbeddedPython and what
// NewPython returns implement it.
type EntryPointer interface {
	// EntryPoint is PythonCmd for a command of an installed package, such as "black":
	// an entry point of the group console_scripts or gui_scripts, in a directory that
	// AddPythonPath was called with. The first directory that has the name is taken. On
	// Windows, pythonw.exe runs what is in gui_scripts, so that no console window opens.
	//
	// The names are those of the files entry_points.txt, which package pip and pip
	// itself install with a package, beside the scripts in bin that are run. An error
	// matches ErrNoEntryPoint, and lists the names that are there.
	EntryPoint(name string, args ...string) (*exec.Cmd, error)

	// EntryPointContext is EntryPoint for a command that ends with a context, as
	// PythonCmdContext makes it.
	EntryPointContext(ctx context.Context, name string, args ...string) (*exec.Cmd, error)
}

// ErrNoEntryPoint is matched when no package has the entry point that was asked for.
var ErrNoEntryPoint = errors.New("python: no such entry point")

// EntryPoint implements EntryPointer.
func (ep *python) EntryPoint(name string, args ...string) (*exec.Cmd, error) {
	return ep.entryPoint(name, func(script string) (*exec.Cmd, error) {
		return ep.PythonCmd2(append([]string{script}, args...))
	})
}

// EntryPointContext implements EntryPointer.
func (ep *python) EntryPointContext(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	return ep.entryPoint(name, func(script string) (*exec.Cmd, error) {
		return ep.PythonCmdContext(ctx, append([]string{script}, args...)...)
	})
}

func (ep *python) entryPoint(name string, newCmd func(script string) (*exec.Cmd, error)) (*exec.Cmd, error) {
	script, gui, err := findEntryPoint(ep.addedPath(), name)
	if err != nil {
		return nil, err
	}
	cmd, err := newCmd(script)
	if err != nil {
		return nil, err
	}
	if gui && runtime.GOOS == "windows" {
		cmd.Path = filepath.Join(filepath.Dir(cmd.Path), "pythonw.exe")
		cmd.Args[0] = cmd.Path
	}
	return cmd, nil
}

// EntryPoint implements EntryPointer.
func (ep *EmbeddedPython) EntryPoint(name string, args ...string) (*exec.Cmd, error) {
	p, err := ep.entryPointer()
	if err != nil {
		return nil, err
	}
	return p.EntryPoint(name, args...)
}

// EntryPointContext implements EntryPointer.
func (ep *EmbeddedPython) EntryPointContext(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	p, err := ep.entryPointer()
	if err != nil {
		return nil, err
	}
	return p.EntryPointContext(ctx, name, args...)
}

func (ep *EmbeddedPython) entryPointer() (EntryPointer, error) {
	if ep.py != nil {
		return ep.py, nil
	}
	if p, ok := ep.Python.(EntryPointer); ok {
		return p, nil
	}
	return nil, errors.New("python: this Python makes no commands of entry points")
}

// findEntryPoint returns the script of an entry point in the first directory that has
// it, and whether it is one of gui_scripts.
func findEntryPoint(dirs []string, name string) (script string, gui bool, err error) {
	var known []string
	for _, dir := range dirs {
		found, err := entryPoints(dir)
		if err != nil {
			return "", false, fmt.Errorf("python: read entry points: %w", err)
		}
		if gui, ok := found[name]; ok {
			script, err := scriptOf(dir, name)
			return script, gui, err
		}
		for each := range found {
			known = append(known, each)
		}
	}
	slices.Sort(known)
	there := "there are " + strings.Join(slices.Compact(known), ", ")
	if len(known) == 0 {
		there = "the directories of AddPythonPath have none"
	}
	return "", false, fmt.Errorf("%w: %q: %s", ErrNoEntryPoint, name, there)
}

// scriptOf is the file that pip has written for an entry point. On Windows this is a
// program with a zip archive, which Python runs too, unless package pip has unpacked it.
func scriptOf(dir, name string) (string, error) {
	script := filepath.Join(dir, "bin", name)
	_, err := os.Stat(script)
	if errors.Is(err, fs.ErrNotExist) && runtime.GOOS == "windows" {
		script += ".exe"
		_, err = os.Stat(script)
	}
	if err != nil {
		return "", fmt.Errorf("python: run entry point %q: %w", name, err)
	}
	return script, nil
}

// entryPoints returns the names of scripts of the packages in dir, and for each whether
// it is one of gui_scripts.
func entryPoints(dir string) (map[string]bool, error) {
	files, err := fs.Glob(os.DirFS(dir), "*.dist-info/entry_points.txt")
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool)
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		addEntryPoints(found, string(text))
	}
	return found, nil
}

// addEntryPoints reads an entry_points.txt ("Entry points specification"). A name
// contains neither = nor a line end, and does not begin with [.
func addEntryPoints(found map[string]bool, text string) {
	group := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			group = line[1 : len(line)-1]
		}
		if group != "console_scripts" && group != "gui_scripts" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		if name, _, ok := strings.Cut(line, "="); ok {
			found[strings.TrimSpace(name)] = group == "gui_scripts"
		}
	}
}
