package payload

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// CheckName says why a name is not allowed in a manifest, or nil. A good name
// is relative, clean, "/"-separated UTF-8 without backslashes and control
// characters, so it means the same path below any directory on any system.
func CheckName(name string) error {
	if err := checkText(name); err != nil {
		return err
	}
	for rest, more := name, true; more; {
		var elem string
		elem, rest, more = strings.Cut(rest, "/")
		if elem == "" || elem == "." || elem == ".." {
			return fmt.Errorf("has the path element %q", elem)
		}
	}
	return nil
}

// checkText holds the rules that names and symlink targets share.
func checkText(s string) error {
	if s == "" {
		return fmt.Errorf("is empty")
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("is not valid UTF-8")
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < 0x20 || c == 0x7f:
			return fmt.Errorf("has the control character %#02x", c)
		case c == '\\':
			return fmt.Errorf("has a backslash")
		}
	}
	return nil
}

// ParentDir returns the folder of a clean name, "" for one at the top.
func ParentDir(name string) string {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return ""
	}
	return name[:i]
}
