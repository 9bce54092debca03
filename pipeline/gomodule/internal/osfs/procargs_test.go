//go:build !windows

package osfs

import (
	"slices"
	"testing"
)

func TestProcArgs(t *testing.T) {
	const args = "/t/bin/python3\x00\x00\x00\x00python3\x00-c\x00\x00pass\x00"
	for _, c := range []struct {
		bytes, program string
		path           []string
	}{
		{"\x04\x00\x00\x00" + args + "HOME=/\x00PYTHONPATH=/t/a:/t/b\x00", "/t/bin/python3", []string{"/t/a", "/t/b"}},
		{"\x04\x00\x00\x00" + args, "/t/bin/python3", nil},
		{"\xff\xff\xff\x7f" + args, "/t/bin/python3", nil},
		{"\x01", "", nil},
	} {
		program, environ := parseProcArgs([]byte(c.bytes))
		if path := pythonPathOf(environ); program != c.program || !slices.Equal(path, c.path) {
			t.Errorf("%q: %q, %q", c.bytes, program, path)
		}
	}
}
