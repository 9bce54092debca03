package pip

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/goempy/goempy/embed_util"
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
		if err := embed_util.CopyForEmbed(packed, site); err != nil {
			t.Fatal(err)
		}
		if err := setModes(packed, site); err != nil {
			t.Fatal(err)
		}
		manifests = append(manifests, tree(t, packed)[manifestName])
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

func TestModesOfAnOddName(t *testing.T) {
	const manifest = "{\n\"format\": 1,\n\"contentHash\": \"x\",\n\"files\": [\n" +
		`{"name":"a\",\"perm\":420,\"size\":","perm":420,"size":1,"sha256":"00"},` + "\n" +
		`{"name":"b","perm":134218239,"symlink":"c\",\"perm\":420,\"size\":"}` + "\n]\n}\n"
	got, err := withModes([]byte(manifest), func(name string) (bool, error) { return name[0] == 'a', nil })
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(manifest, `,"perm":420,"size":1`, `,"perm":493,"size":1`, 1)
	want = strings.Replace(want, `"contentHash": "x"`, `"contentHash": "`+contentHash(
		"a\",\"perm\":420,\"size\":\x00493\x001\x0000\x00\n"+
			"b\x00134218239\x000\x00\x00c\",\"perm\":420,\"size\":\n")+`"`, 1)
	if string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if _, err := withModes([]byte("{}\n"), nil); err == nil {
		t.Error("a manifest without a hash was taken")
	}
}

func contentHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
