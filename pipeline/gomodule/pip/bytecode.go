package pip

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/goempy/goempy/pip/internal/data"
)

// bytecode compiles the modules of several platforms, and each that is the same for
// several of them once.
type bytecode struct {
	mu    sync.Mutex
	known map[moduleKey]compiled
}

// moduleKey is the sha256 of a module's name and source.
type moduleKey [sha256.Size]byte

// compiled is a pyc and its name; the zero value is that of a file that does not compile, such
// as a template.
type compiled struct {
	name string
	data []byte
}

// compileAnswer is what pipeline.build.bytecode.worker answers.
type compileAnswer struct {
	PYCs    [][2]string `json:"pycs"`
	Unknown [][2]string `json:"unknown"`
	OSError []any       `json:"os_error"`
}

// add writes the bytecode of all modules below site beside them. The compiler is put into
// the directory dir. Without one, in the source tree, it does nothing.
func (b *bytecode) add(py interpreter, ctx context.Context, site, dir string, out *stream) error {
	compiler, err := data.Compiler()
	if err != nil || compiler == nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	modules, err := findModules(site)
	if err != nil {
		return err
	}
	var sources [][2]string
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		pyc, isKnown := b.known[modules[name]]
		switch {
		case !isKnown:
			sources = append(sources, [2]string{name, filepath.Join(site, filepath.FromSlash(name))})
		case pyc.name != "":
			if err := writeFile(site, pyc.name, pyc.data); err != nil {
				return err
			}
		}
	}
	if len(sources) == 0 {
		return nil
	}
	if err := writeCompiler(dir, compiler); err != nil {
		return err
	}
	answer, err := compile(py, ctx, dir, site, sources)
	if err != nil {
		return err
	}
	for _, each := range answer.Unknown {
		_, _ = fmt.Fprintf(out, "No bytecode of %s: %s\n", each[0], each[1])
	}
	return b.remember(modules, sources, answer.PYCs)
}

// writeCompiler makes the modules of the compiler importable in the directory dir.
func writeCompiler(dir string, compiler fs.FS) error {
	files, err := fs.ReadDir(compiler, ".")
	if err != nil {
		return err
	}
	for _, f := range files {
		source, err := fs.ReadFile(compiler, f.Name())
		if err != nil {
			return err
		}
		module := strings.TrimSuffix(f.Name(), ".py")
		if err := writeFile(dir, strings.ReplaceAll(module, ".", "/")+".py", source); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file with a name below dir, and the folders in which it is.
func writeFile(dir, name string, data []byte) error {
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

// remember keeps what was compiled for other platforms.
func (b *bytecode) remember(modules map[string]moduleKey, sources, pycs [][2]string) error {
	for _, source := range sources {
		b.known[modules[source[0]]] = compiled{}
	}
	for _, pyc := range pycs {
		text, err := os.ReadFile(pyc[1])
		if err != nil {
			return err
		}
		b.known[modules[sourceOf(pyc[0])]] = compiled{pyc[0], text}
	}
	return nil
}

// sourceOf returns json/decoder.py for json/__pycache__/decoder.cpython-314.pyc.
func sourceOf(pyc string) string {
	folder, base := path.Split(pyc)
	module := strings.TrimSuffix(base, ".pyc")
	return path.Join(path.Dir(path.Clean(folder)), module[:strings.LastIndexByte(module, '.')]+".py")
}

// findModules returns the Python files below site, without scripts, by their names.
func findModules(site string) (map[string]moduleKey, error) {
	modules := make(map[string]moduleKey)
	fsys := os.DirFS(site)
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == "bin" && d.IsDir() {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() || path.Ext(name) != ".py" {
			return nil
		}
		source, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		modules[name] = sha256.Sum256(append([]byte(name+"\x00"), source...))
		return nil
	})
	return modules, err
}

// compile has the interpreter compile sources, names and paths, into the directory site.
func compile(py interpreter, ctx context.Context, compiler, site string, sources [][2]string) (*compileAnswer, error) {
	request, err := json.Marshal(map[string]any{"out": site, "sources": sources})
	if err != nil {
		return nil, err
	}
	cmd, err := command(py, ctx, []string{"-S", "-B", "-X", "utf8", "-W", "ignore", "-m", "pipeline.build.bytecode.worker"})
	if err != nil {
		return nil, err
	}
	cmd.Dir = compiler
	cmd.Env = append(cmd.Environ(), "PYTHONPATH=", "PYTHONHASHSEED=0")
	cmd.Stdin = bytes.NewReader(request)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx != nil && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: %s", err, reason(stderr.String()))
	}
	answer := new(compileAnswer)
	if err := json.Unmarshal(stdout.Bytes(), answer); err != nil {
		return nil, fmt.Errorf("read the compiler's answer: %w", err)
	}
	if answer.OSError != nil {
		return nil, errors.New(fmt.Sprint(answer.OSError...))
	}
	return answer, nil
}
