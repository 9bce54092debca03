package payload

import (
	"fmt"
	"strings"
)

// checkTarget says why a symlink's target is not acceptable, or nil. It looks
// at the text alone; resolve finds what other symlinks make of it.
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
