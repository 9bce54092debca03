package pip

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goempy/goempy/internal/platforms"
)

// Which wheels a platform may have is for the caller to say, and pip's output ends with
// what those need that it has taken.
func TestPayloadNeeds(t *testing.T) {
	needPip(t)
	wheels := t.TempDir()
	wheel{name: "goempy_c", version: "1", tag: "py3-none-manylinux_2_17_x86_64"}.write(t, wheels)
	wheel{name: "goempy_c", version: "2", tag: "py3-none-manylinux_2_28_x86_64"}.write(t, wheels)
	name := platforms.All[0].Name
	for want, tags := range map[string][]string{
		"Needs glibc 2.28 or newer: goempy_c 2": {"manylinux_2_28_x86_64", "manylinux_2_17_x86_64"},
		"Needs glibc 2.17 or newer: goempy_c 1": {"manylinux_2_17_x86_64"},
	} {
		var out bytes.Buffer
		err := CreateEmbeddedPipPackagesForKnownPlatforms(someRequirements(t, "goempy_c\n"), filepath.Join(t.TempDir(), "data"),
			append(fromFolder(wheels), WithPlatforms(name), WithWheelTags(name, tags...), WithOutput(&out))...)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), want+"\n") {
			t.Errorf("%v:\n%s", tags, out.String())
		}
	}
}
