package embed_util

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// checkName says why a name may not stand in a manifest, or nil. A good name
// is relative, clean, "/"-separated UTF-8 without backslashes and control
// characters, so it means the same path below any directory on any system.
func checkName(name string) error {
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

// checkTarget says why a symlink's target is not acceptable, or nil. It looks
// at the text alone; escapes finds what other symlinks would make of it.
func checkTarget(name, target string) error {
	if err := checkText(target); err != nil {
		return err
	}
	if strings.HasPrefix(target, "/") {
		return fmt.Errorf("is absolute")
	}
	depth := strings.Count(name, "/")
	for _, elem := range strings.Split(target, "/") {
		switch elem {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return fmt.Errorf("leaves the tree")
			}
		default:
			depth++
		}
	}
	return nil
}

// maxLinks is how many symlinks one lookup may pass before it counts as a
// loop. Systems allow 32 to 255; a payload that needs more is not sensible.
const maxLinks = 40

// resolve follows name through the symlinks of a tree, the way the system
// would. It returns the final name ("." is the root), or escapes when a ".."
// on the way leaves the tree, or loops.
func resolve(name string, links map[string]string) (final string, escapes, loops bool) {
	todo := strings.Split(name, "/")
	var done []string
	for hops := 0; len(todo) > 0; {
		elem := todo[0]
		todo = todo[1:]
		switch elem {
		case "", ".":
			continue
		case "..":
			if len(done) == 0 {
				return "", true, false
			}
			done = done[:len(done)-1]
			continue
		}
		done = append(done, elem)
		target, ok := links[strings.Join(done, "/")]
		if !ok {
			continue
		}
		if hops++; hops > maxLinks {
			return "", false, true
		}
		done = done[:len(done)-1]
		todo = append(strings.Split(target, "/"), todo...)
	}
	if len(done) == 0 {
		return ".", false, false
	}
	return strings.Join(done, "/"), false, false
}

// parentOf returns the folder of a clean name, "" for one at the top.
func parentOf(name string) string {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return ""
	}
	return name[:i]
}
