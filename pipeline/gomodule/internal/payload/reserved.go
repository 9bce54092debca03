package payload

import (
	"fmt"
	"strings"
)

// checkNameWindows says why Windows cannot hold a file of that name: device
// names (with any extension), characters that it reserves, a dot or space at
// an element's end, which it drops without a word.
func checkNameWindows(name string) error {
	for _, elem := range strings.Split(name, "/") {
		if elem == "" {
			continue // CheckName's to refuse
		}
		if i := strings.IndexAny(elem, `<>:"|?*`); i >= 0 {
			return fmt.Errorf("has the character %q, which Windows reserves", elem[i])
		}
		if last := elem[len(elem)-1]; last == '.' || last == ' ' {
			return fmt.Errorf("has the element %q, whose last character Windows drops", elem)
		}
		if isDeviceName(elem) {
			return fmt.Errorf("has the element %q, a device name on Windows", elem)
		}
	}
	return nil
}

func isDeviceName(elem string) bool {
	base, _, _ := strings.Cut(elem, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	rest, ok := strings.CutPrefix(base, "COM")
	if !ok {
		if rest, ok = strings.CutPrefix(base, "LPT"); !ok {
			return false
		}
	}
	switch rest {
	case "1", "2", "3", "4", "5", "6", "7", "8", "9", "\u00b9", "\u00b2", "\u00b3":
		return true
	}
	return false
}
