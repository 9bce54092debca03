package pip

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// records are files of *.dist-info about how and where a package was installed,
// and not about what it is.
var records = map[string]bool{
	"RECORD":          true,
	"RECORD.jws":      true,
	"RECORD.p7s":      true,
	"INSTALLER":       true,
	"REQUESTED":       true,
	"direct_url.json": true,
}

// maxScript limits what is taken for a script, in bytes.
const maxScript = 4 << 20

// normalize makes an installed tree the same on every machine: it removes what
// belongs to the installation and names no interpreter of this machine.
func normalize(site string) error {
	err := filepath.WalkDir(site, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "__pycache__" {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			return fs.SkipDir
		}
		if !d.IsDir() && records[d.Name()] && strings.HasSuffix(filepath.Dir(path), ".dist-info") {
			return os.Remove(path)
		}
		return nil
	})
	if err == nil {
		err = normalizeScripts(filepath.Join(site, "bin"))
	}
	if err != nil {
		return fmt.Errorf("pip: normalize packages: %w", err)
	}
	return nil
}

func normalizeScripts(bin string) error {
	files, err := os.ReadDir(bin)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		if !f.Type().IsRegular() {
			continue
		}
		path := filepath.Join(bin, f.Name())
		if strings.HasSuffix(f.Name(), ".exe") {
			err = unpackLauncher(path)
		} else {
			err = normalizeScript(path, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func normalizeScript(path string, f fs.DirEntry) error {
	info, err := f.Info()
	if err != nil {
		return err
	}
	if info.Size() > maxScript {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if plain, changed := plainShebang(data); changed {
		return os.WriteFile(path, plain, info.Mode().Perm())
	}
	return nil
}

const anyPython = "#!/usr/bin/env python3\n"

var (
	// pythonLine is a first line with the path of an interpreter.
	pythonLine = regexp.MustCompile(`^#![ \t]*"?(?:[^\r\n]*[/\\])?python[0-9.]*t?w?(?:\.exe)?"?(?:[ \t]+-[^\r\n]*)?\r?\n`)

	// shellLines are what pip writes where such a path has spaces, or is too
	// long for a first line.
	shellLines = regexp.MustCompile(`^#!/bin/sh\n'''exec' [^\n]*python[^\n]* "\$0" "\$@"\n' '''\n`)
)

// plainShebang replaces the interpreter that a Python script names.
func plainShebang(script []byte) ([]byte, bool) {
	head := pythonLine.Find(script)
	if head == nil {
		head = shellLines.Find(script)
	}
	if head == nil || string(head) == anyPython {
		return script, false
	}
	return append([]byte(anyPython), script[len(head):]...), true
}

// unpackLauncher replaces what pip makes of a script on Windows by the script,
// which is what it makes elsewhere. A launcher is a program with the script in
// a zip archive behind it. Other programs are left alone.
func unpackLauncher(path string) error {
	script, err := launcherScript(path)
	if err != nil || script == nil {
		return err
	}
	plain := strings.TrimSuffix(path, ".exe")
	if _, err := os.Lstat(plain); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(plain, append([]byte(anyPython), script...), 0o755); err != nil {
			return err
		}
	}
	return os.Remove(path)
}

// launcherScript returns the script of a launcher, nil for another program.
func launcherScript(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(archive.File) != 1 || archive.File[0].Name != "__main__.py" {
		return nil, nil
	}
	if archive.File[0].UncompressedSize64 > maxScript {
		return nil, nil
	}
	r, err := archive.File[0].Open()
	if err != nil {
		return nil, nil
	}
	script, err := io.ReadAll(io.LimitReader(r, maxScript))
	if errClose := r.Close(); err == nil {
		err = errClose
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return script, nil
}
