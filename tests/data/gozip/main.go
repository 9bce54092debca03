// Command gozip tells what golang.org/x/mod/zip makes of the files of modules.
// It reads one JSON array for each module, of [path, size in bytes] pairs, and
// answers each with one line: a JSON object, with the reason for each path that
// is omitted or invalid. Every go.mod says go 1.24.
//
// With an argument it reads a module path a line, and answers with why
// golang.org/x/mod/module does not take it, or an empty line.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path"
	"strings"
	"time"
	"unicode"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const goMod = "module example.com/m\n\ngo 1.24\n"

// file is a file of a module that exists nowhere.
type file struct {
	path string
	size int64
}

func (f *file) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&f.path, &f.size})
}

func (f file) Path() string                 { return f.path }
func (f file) Lstat() (fs.FileInfo, error)  { return info{f}, nil }
func (f file) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(goMod)), nil }

type info struct{ file file }

func (i info) Name() string       { return path.Base(i.file.path) }
func (i info) Size() int64        { return i.file.size }
func (i info) Mode() fs.FileMode  { return 0o644 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }

type verdict struct {
	Valid     []string          `json:"valid"`
	Omitted   map[string]string `json:"omitted"`
	Invalid   map[string]string `json:"invalid"`
	SizeError string            `json:"size_error"`
	// Unicode is the version of Go's tables.
	Unicode string `json:"unicode"`
	// Unassigned holds the characters of the paths that these tables lack.
	Unassigned string `json:"unassigned"`
}

func check(files []file) verdict {
	list := make([]zip.File, len(files))
	for i, f := range files {
		list[i] = f
	}
	// The error only repeats what the lists say.
	checked, _ := zip.CheckFiles(list)
	answer := verdict{
		Valid:      append([]string{}, checked.Valid...),
		Omitted:    reasons(checked.Omitted),
		Invalid:    reasons(checked.Invalid),
		Unicode:    unicode.Version,
		Unassigned: unassigned(files),
	}
	if checked.SizeError != nil {
		answer.SizeError = checked.SizeError.Error()
	}
	return answer
}

func reasons(found []zip.FileError) map[string]string {
	texts := make(map[string]string, len(found))
	for _, each := range found {
		texts[each.Path] = each.Err.Error()
	}
	return texts
}

func unassigned(files []file) string {
	var unknown strings.Builder
	seen := map[rune]bool{}
	for _, f := range files {
		for _, r := range f.path {
			// Not unicode.C: from Go 1.25 on it holds what is unassigned too.
			if !seen[r] && !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S,
				unicode.Z, unicode.Cc, unicode.Cf, unicode.Co) {
				unknown.WriteRune(r)
			}
			seen[r] = true
		}
	}
	return unknown.String()
}

func run(in io.Reader, out io.Writer) error {
	modules := json.NewDecoder(bufio.NewReader(in))
	answers := json.NewEncoder(out)
	for {
		var files []file
		if err := modules.Decode(&files); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a module: %w", err)
		}
		if err := answers.Encode(check(files)); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
	}
}

func checkPaths(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		answer := ""
		if err := module.CheckPath(lines.Text()); err != nil {
			answer = err.Error()
		}
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func main() {
	log.SetFlags(0)
	work := run
	if len(os.Args) > 1 {
		work = checkPaths
	}
	if err := work(os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}
