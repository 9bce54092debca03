package pip

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf16"
)

var (
	commentLine = regexp.MustCompile(`^\s*#`)
	comment     = regexp.MustCompile(`(^|\s)#.*$`)
	hashOption  = regexp.MustCompile(`(^|\s)--hash[=\s]`)
	requirement = regexp.MustCompile(`^\s*(?:[^\s-]|-e|--editable)`)
	include     = regexp.MustCompile(`^\s*(?:-r|--requirement[=\s])\s*(\S.*?)\s*$`)
	variable    = regexp.MustCompile(`\$\{([A-Z0-9_]+)\}`)
)

// found is what a requirements file and the files that it includes hold. Files
// that are included by their address are left to pip, which demands hashes of
// everything by itself as soon as it meets one.
type found struct {
	requirements bool // any
	hashes       bool // any
}

func scan(requirementsFile string) (found, error) {
	var f found
	if err := f.scan(requirementsFile, make(map[string]bool)); err != nil {
		return found{}, fmt.Errorf("pip: read requirements: %w", err)
	}
	return f, nil
}

func (f *found) scan(path string, seen map[string]bool) error {
	key := filepath.Clean(path)
	if seen[key] {
		return nil
	}
	seen[key] = true
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, line := range joinLines(decodeText(data)) {
		line = comment.ReplaceAllString(line, "")
		if hashOption.MatchString(line) {
			f.hashes = true
		}
		if requirement.MatchString(line) {
			f.requirements = true
		}
		next := includedFile(path, line)
		if next == "" {
			continue
		}
		if err := f.scan(next, seen); err != nil {
			return fmt.Errorf("included by %s: %w", path, err)
		}
	}
	return nil
}

// includedFile returns the file that a line includes, "" when there is none.
func includedFile(from, line string) string {
	m := include.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	name := strings.Trim(m[1], `"'`)
	name = variable.ReplaceAllStringFunc(name, func(v string) string {
		if value := os.Getenv(v[2 : len(v)-1]); value != "" {
			return value
		}
		return v
	})
	if strings.Contains(name, "://") || strings.HasPrefix(name, "file:") {
		return ""
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(from), name)
	}
	return name
}

// joinLines splits a text into lines and joins those that end in a backslash
// with the next, as pip does: a comment ends such a line.
func joinLines(text string) []string {
	var joined []string
	var part strings.Builder
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		isComment := commentLine.MatchString(line)
		if strings.HasSuffix(line, `\`) && !isComment {
			part.WriteString(strings.TrimSuffix(line, `\`))
			continue
		}
		if isComment {
			line = " " + line
		}
		joined = append(joined, part.String()+line)
		part.Reset()
	}
	if part.Len() > 0 {
		joined = append(joined, part.String())
	}
	return joined
}

// decodeText reads UTF-8 and, as editors on Windows write it, UTF-16 with a
// byte order mark.
func decodeText(data []byte) string {
	if rest, ok := bytes.CutPrefix(data, []byte("\xef\xbb\xbf")); ok {
		return string(rest)
	}
	if len(data) < 2 {
		return string(data)
	}
	var units []uint16
	switch {
	case data[0] == 0xff && data[1] == 0xfe:
		for i := 2; i+1 < len(data); i += 2 {
			units = append(units, uint16(data[i])|uint16(data[i+1])<<8)
		}
	case data[0] == 0xfe && data[1] == 0xff:
		for i := 2; i+1 < len(data); i += 2 {
			units = append(units, uint16(data[i+1])|uint16(data[i])<<8)
		}
	default:
		return string(data)
	}
	return string(utf16.Decode(units))
}
