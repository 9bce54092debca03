package payload

import (
	"testing"
)

func TestCheckName(t *testing.T) {
	for _, good := range []string{"a", "a/b", ".hidden", "aux.py", "N", "ünï/文", "a b", "..a", "a..", "-", "con"} {
		if err := CheckName(good); err != nil {
			t.Errorf("%q %v", good, err)
		}
	}
	for _, bad := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/.", "a/../b", "../a", `a\b`,
		"a\x00b", "a\nb", "a\x7f", "\xff", "a/\xc3"} {
		if CheckName(bad) == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestCheckTarget(t *testing.T) {
	for _, c := range []struct {
		name, target string
		good         bool
	}{
		{"a", "b", true},
		{"a/b", "../c", true},
		{"a/b", "..", true},
		{"a/b", "./x//y", true},
		{"a", "..", false},
		{"a/b", "../../c", false},
		{"a/b", "x/../../..", false},
		{"a", "/etc/passwd", false},
		{"a", "", false},
		{"a", `..\b`, false},
		{"a", "b\x00", false},
	} {
		if err := checkTarget(c.name, c.target); (err == nil) != c.good {
			t.Errorf("%q -> %q: %v", c.name, c.target, err)
		}
	}
}

func TestResolve(t *testing.T) {
	links := map[string]string{
		"l":       "d/e",
		"d/e/up":  "../..",
		"d/out":   "e/up/../x",
		"loop":    "loop2",
		"loop2":   "loop",
		"chain":   "l",
		"through": "chain/f",
	}
	for name, want := range map[string]string{"l": "d/e", "chain": "d/e", "through": "d/e/f", "d/e/up": ".", "x/y": "x/y", "l/../z": "d/z"} {
		if final, escapes, loops := resolve(name, links); final != want || escapes || loops {
			t.Errorf("%q leads to %q, %v, %v", name, final, escapes, loops)
		}
	}
	if _, escapes, _ := resolve("d/out", links); !escapes {
		t.Error("a way out through another symlink is not seen")
	}
	if _, _, loops := resolve("loop", links); !loops {
		t.Error("a loop is not seen")
	}
}

func TestCheckNameWindows(t *testing.T) {
	for _, good := range []string{"a.py", "console.py", "com0", "com10", "lpt", "auxiliary/x", "nul_", "a b/c"} {
		if err := checkNameWindows(good); err != nil {
			t.Errorf("%q %v", good, err)
		}
	}
	for _, bad := range []string{"aux", "aux.py", "a/NUL.txt", "com1", "LPT9.tar.gz", "con .x", "a.", "a /b", "a:b", "a?b", `a"b`, "a*", "com¹", "CONIN$"} {
		if checkNameWindows(bad) == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
