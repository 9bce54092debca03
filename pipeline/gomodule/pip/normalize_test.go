package pip

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPlainShebang(t *testing.T) {
	const body = "import sys\nprint(1)\n"
	long := "/tmp/" + strings.Repeat("x", 200) + "/bin/python3"
	for in, want := range map[string]string{
		"#!/tmp/goempy-0/python-x/bin/python3\n":    anyPython,
		"#!/tmp/goempy-0/python-x/bin/python3.14\n": anyPython,
		"#!/opt/x/bin/python3.14t\n":                anyPython,
		"#!/opt/x/bin/python3 -E\n":                 anyPython,
		"#!/with space/bin/python3\n":               anyPython,
		"#!C:\\Users\\me\\python.exe\r\n":           anyPython,
		"#!\"C:\\Program Files\\x\\pythonw.exe\"\n": anyPython,
		"#!python\n": anyPython,
		"#!/bin/sh\n'''exec' " + long + " \"$0\" \"$@\"\n' '''\n":                anyPython,
		"#!/bin/sh\n'''exec' \"/with space/bin/python3\" \"$0\" \"$@\"\n' '''\n": anyPython,

		"#!/usr/bin/env python3\n":         "",
		"#!/usr/bin/env python\n":          "",
		"#!/bin/sh\n":                      "",
		"#!/bin/sh\nexec python3 \"$0\"\n": "",
		"#!/usr/bin/perl\n":                "",
		"#!/opt/python-tools/run\n":        "",
		"\x7fELF":                          "",
		"":                                 "",
	} {
		got, changed := plainShebang([]byte(in + body))
		if want == "" {
			if changed {
				t.Errorf("%q became %q", in, got)
			}
			continue
		}
		if !changed || string(got) != want+body {
			t.Errorf("%q became %q", in, got)
		}
	}
}

// launcher is what pip makes of a script on Windows.
func launcher(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("MZ the program\x00\x00#!C:\\x\\python.exe\r\n")
	w := zip.NewWriter(&b)
	for _, name := range names {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("import tool\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func names(files map[string]string) []string {
	var all []string
	for name := range files {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func TestNormalize(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"tool/__init__.py":                        "",
		"tool/__pycache__/__init__.cpython-1.pyc": "x",
		"tool/RECORD":                             "data of the package",
		"tool/bin/python":                         "#!/x/bin/python3\n",
		"tool-1.dist-info/METADATA":               "Name: tool\n",
		"tool-1.dist-info/RECORD":                 "x",
		"tool-1.dist-info/RECORD.jws":             "x",
		"tool-1.dist-info/INSTALLER":              "pip\n",
		"tool-1.dist-info/REQUESTED":              "",
		"tool-1.dist-info/direct_url.json":        "{}",
		"tool-1.dist-info/entry_points.txt":       "x",
		"tool-1.dist-info/licenses/LICENSE":       "x",
		"bin/tool":                                "#!/x/bin/python3\nimport tool\n",
		"bin/native.exe":                          "MZ a program of the package",
		"bin/zipped.exe":                          launcher(t, "__main__.py", "other.py"),
		"bin/win.exe":                             launcher(t, "__main__.py"),
		"bin/tool.exe":                            launcher(t, "__main__.py"),
		"bin/sh":                                  "#!/bin/sh\n",
	})
	if err := normalize(dir); err != nil {
		t.Fatal(err)
	}
	files := tree(t, dir)
	want := []string{"bin/native.exe", "bin/sh", "bin/tool", "bin/win", "bin/zipped.exe",
		"tool-1.dist-info/METADATA", "tool-1.dist-info/entry_points.txt", "tool-1.dist-info/licenses/LICENSE",
		"tool/RECORD", "tool/__init__.py", "tool/bin/python"}
	if got := names(files); !slices.Equal(got, want) {
		t.Errorf("left %q", got)
	}
	for _, name := range []string{"bin/tool", "bin/win"} {
		if files[name] != anyPython+"import tool\n" {
			t.Errorf("%s is %q", name, files[name])
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "tool", "__pycache__")); err == nil {
		t.Error("__pycache__ is there")
	}
}

func TestNormalizeNothing(t *testing.T) {
	if err := normalize(t.TempDir()); err != nil {
		t.Error(err)
	}
}
