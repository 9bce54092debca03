package pip

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/internal/payload"
)

// What is packed does not depend on the modes that the files happen to have,
// and what comes out of it is executable where it has to be.
func TestModes(t *testing.T) {
	programs := map[string]string{
		"bin/tool":     "#!/usr/bin/env python3\n",
		"node":         "\x7fELF\x02",
		"x.dylib":      "\xcf\xfa\xed\xfe",
		"universal.so": "\xca\xfe\xba\xbe",
	}
	texts := map[string]string{
		"empty":    "",
		"short":    "#",
		"a.py":     "print()\n",
		"tool.exe": "MZ",
	}
	if runtime.GOOS != "windows" {
		texts[`odd ","perm":420,"size":1 ü`] = "x"
	}
	var manifests []string
	var packed string
	for _, mode := range []fs.FileMode{0o644, 0o755, 0o600} {
		site := t.TempDir()
		writeFiles(t, site, programs)
		writeFiles(t, site, texts)
		for name := range tree(t, site) {
			if err := os.Chmod(filepath.Join(site, filepath.FromSlash(name)), mode); err != nil {
				t.Fatal(err)
			}
		}
		packed = filepath.Join(t.TempDir(), "packed")
		if err := payload.Pack(packed, site, payload.PackOptions{Executable: isProgram}); err != nil {
			t.Fatal(err)
		}
		manifests = append(manifests, tree(t, packed)[payload.ManifestName])
	}
	for _, m := range manifests[1:] {
		if m != manifests[0] {
			t.Errorf("manifests differ:\n%s\n%s", manifests[0], m)
		}
	}

	// Extraction checks the manifest with its hash.
	e, err := embed_util.NewEmbeddedFilesWithTmpDir(os.DirFS(packed), filepath.Join(t.TempDir(), "out"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Cleanup() }()
	if runtime.GOOS == "windows" {
		return
	}
	for _, files := range []map[string]string{programs, texts} {
		for name := range files {
			st, err := os.Stat(filepath.Join(e.GetExtractedPath(), name))
			if err != nil {
				t.Fatal(err)
			}
			_, program := programs[name]
			if got := st.Mode()&0o111 != 0; got != program {
				t.Errorf("%s has mode %v", name, st.Mode())
			}
		}
	}
}
