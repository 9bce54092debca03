package pip

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const manifestName = "files.json"

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

type manifestEntry struct {
	Name    string  `json:"name"`
	Perm    uint32  `json:"perm"`
	Size    *int64  `json:"size"`
	Sum     string  `json:"sha256"`
	Symlink *string `json:"symlink"`
}

// setModes makes the modes in a packed manifest those that the files in site
// ask for by their content. Windows has no executable bit, so what is packed
// there could not be run on Unix, and would differ from what is packed there.
func setModes(packed, site string) error {
	path := filepath.Join(packed, manifestName)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed, err := withModes(text, func(name string) (bool, error) {
		return isProgram(filepath.Join(site, filepath.FromSlash(name)))
	})
	if err == nil && !bytes.Equal(text, changed) {
		err = writeFile(path, changed)
	}
	if err != nil {
		return fmt.Errorf("set modes in %s: %w", path, err)
	}
	return nil
}

// withModes returns a manifest of format 1 with other modes of its regular
// files, and the contentHash that belongs to them.
func withModes(manifest []byte, executable func(name string) (bool, error)) ([]byte, error) {
	lines := strings.SplitAfter(string(manifest), "\n")
	hash := sha256.New()
	hashLine := -1
	for i, line := range lines {
		if strings.HasPrefix(line, `"contentHash":`) {
			hashLine = i
		}
		if !strings.HasPrefix(line, `{"name":`) {
			continue
		}
		var e manifestEntry
		if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimSpace(line), ",")), &e); err != nil {
			return nil, err
		}
		var size int64
		if e.Size != nil {
			size = *e.Size
			program, err := executable(e.Name)
			if err != nil {
				return nil, err
			}
			perm := uint32(fs.FileMode(0o644))
			if program {
				perm = 0o755
			}
			// The name stands before the mode, and may hold the same text.
			at := strings.LastIndex(line, fmt.Sprintf(`,"perm":%d,"size":`, e.Perm))
			if at < 0 {
				return nil, fmt.Errorf("%q has no mode", e.Name)
			}
			rest := strings.TrimPrefix(line[at:], fmt.Sprintf(`,"perm":%d`, e.Perm))
			lines[i] = line[:at] + fmt.Sprintf(`,"perm":%d`, perm) + rest
			e.Perm = perm
		}
		symlink := ""
		if e.Symlink != nil {
			symlink = *e.Symlink
		}
		fmt.Fprintf(hash, "%s\x00%d\x00%d\x00%s\x00%s\n", e.Name, e.Perm, size, e.Sum, symlink)
	}
	if hashLine < 0 {
		return nil, errors.New("it has no contentHash")
	}
	lines[hashLine] = `"contentHash": "` + hex.EncodeToString(hash.Sum(nil)) + "\",\n"
	return []byte(strings.Join(lines, "")), nil
}
