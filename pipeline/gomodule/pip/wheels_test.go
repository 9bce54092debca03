package pip

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/platforms"
)

type wheel struct {
	name, version, tag string
	requires           []string
	files              map[string]string
}

// write makes a wheel file in dir.
func (w wheel) write(t *testing.T, dir string) {
	t.Helper()
	if err := w.save(dir); err != nil {
		t.Fatal(err)
	}
}

func (w wheel) save(dir string) error {
	info := w.name + "-" + w.version + ".dist-info/"
	metadata := "Metadata-Version: 2.1\nName: " + w.name + "\nVersion: " + w.version + "\n"
	for _, r := range w.requires {
		metadata += "Requires-Dist: " + r + "\n"
	}
	files := map[string]string{
		w.name + "/__init__.py": "def main():\n    print('run " + w.name + "')\n",
		info + "METADATA":       metadata,
		info + "WHEEL":          "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: " + w.tag + "\n",
		info + "RECORD":         "",
	}
	for name, text := range w.files {
		files[strings.ReplaceAll(name, "INFO/", info)] = text
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names(files) {
		f, err := z.Create(name)
		if err != nil {
			return err
		}
		if _, err := f.Write([]byte(files[name])); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	file := fmt.Sprintf("%s-%s-%s.whl", w.name, w.version, w.tag)
	return os.WriteFile(filepath.Join(dir, file), b.Bytes(), 0o644)
}

// wheelFolder has the packages that the tests install: goempy_tool, with a
// dependency for each operating system, and goempy_native: version 1 is for all
// platforms, 2 for those that take a wheel of the release's first, 3 for none.
func wheelFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "the wheels")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	tool := wheel{name: "goempy_tool", version: "1.0", tag: "py3-none-any", files: map[string]string{
		"INFO/entry_points.txt":                     "[console_scripts]\ngoempy-tool = goempy_tool:main\n",
		"INFO/licenses/LICENSE":                     "free\n",
		"goempy_tool-1.0.data/scripts/goempy-plain": "#!python\nprint(1)\n",
	}}
	for _, system := range []string{"Linux", "Darwin", "Windows"} {
		name := "goempy_for_" + strings.ToLower(system)
		tool.requires = append(tool.requires, name+`; platform_system == "`+system+`"`)
		wheel{name: name, version: "1", tag: "py3-none-any"}.write(t, dir)
	}
	tool.write(t, dir)
	wheel{name: "goempy_native", version: "3", tag: "py3-none-nowhere"}.write(t, dir)
	wheel{name: "goempy_native", version: "2", tag: "py3-none-" + platforms.All[0].WheelTags[0]}.write(t, dir)
	wheel{name: "goempy_native", version: "1", tag: "py3-none-any"}.write(t, dir)
	return dir
}

func fromFolder(dir string) []Option {
	return []Option{WithPipArgs("--no-index", "--find-links", dir), WithOutput(nil)}
}
