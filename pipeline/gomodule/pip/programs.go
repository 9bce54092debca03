package pip

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// programs are the first bytes of files that Unix executes: scripts, ELF, and
// Mach-O in its four forms.
var programs = [][]byte{
	[]byte("#!"),
	[]byte("\x7fELF"),
	[]byte("\xcf\xfa\xed\xfe"),
	[]byte("\xce\xfa\xed\xfe"),
	[]byte("\xca\xfe\xba\xbe"),
	[]byte("\xca\xfe\xba\xbf"),
}

// isProgram says whether the file at path begins like one.
func isProgram(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	head := make([]byte, 4)
	n, err := io.ReadFull(f, head)
	if errClose := f.Close(); errClose != nil {
		return false, errClose
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	for _, magic := range programs {
		if bytes.HasPrefix(head[:n], magic) {
			return true, nil
		}
	}
	return false, nil
}
