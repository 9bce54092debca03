package python

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/goempy/goempy/python/internal/data"
)

// ErrNoPayload is matched when the program was built without an interpreter:
// for a platform that the release does not carry, or from the source tree.
var ErrNoPayload = errors.New("no Python is embedded")

func noPayload() error {
	return noPayloadFor(runtime.GOOS+"/"+runtime.GOARCH, forMusl, data.Version, data.Python, data.Platforms)
}

func noPayloadFor(platform string, musl bool, version, python string, carried []string) error {
	module := strings.TrimSuffix(reflect.TypeOf(EmbeddedPython{}).PkgPath(), "/python")
	if musl {
		platform += " with -tags musl"
	}
	if len(carried) == 0 {
		return fmt.Errorf("%w for %s: this is the source tree of %s, which carries none; "+
			"depend on a release (go get %s@latest)", ErrNoPayload, platform, module, module)
	}
	return fmt.Errorf("%w for %s: %s %s with Python %s carries %s; build for one of these%s or choose a release that carries it",
		ErrNoPayload, platform, module, version, python, strings.Join(carried, ", "), howToBuild(musl, carried))
}

// howToBuild says what builds for the carried platforms need beside GOOS and GOARCH.
func howToBuild(musl bool, carried []string) string {
	has := func(part string) bool {
		return slices.ContainsFunc(carried, func(name string) bool { return strings.Contains(name, part) })
	}
	var needs []string
	if has("-musl") {
		needs = append(needs, "the musl ones need -tags musl")
	}
	if musl {
		needs = append(needs, "the other ones of Linux are built without -tags musl")
	}
	for _, level := range []string{"v2", "v3", "v4"} {
		if has("amd64-" + level) {
			needs = append(needs, "amd64-"+level+" needs GOAMD64="+level)
		}
	}
	if len(needs) == 0 {
		return ""
	}
	return " (" + strings.Join(needs, ", ") + ")"
}
