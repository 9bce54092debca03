package python

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"github.com/goempy/goempy/python/internal/data"
)

// ErrNoPayload is matched when the program was built without an interpreter:
// for a platform that the release does not carry, or from the source tree.
var ErrNoPayload = errors.New("no Python is embedded")

func noPayload() error {
	return noPayloadFor(runtime.GOOS+"/"+runtime.GOARCH, data.Version, data.Python, data.Platforms)
}

func noPayloadFor(platform, version, python string, carried []string) error {
	module := strings.TrimSuffix(reflect.TypeOf(EmbeddedPython{}).PkgPath(), "/python")
	if len(carried) == 0 {
		return fmt.Errorf("%w for %s: this is the source tree of %s, which carries none; "+
			"depend on a release (go get %s@latest)", ErrNoPayload, platform, module, module)
	}
	return fmt.Errorf("%w for %s: %s %s with Python %s carries %s; build for one of these "+
		"(the musl ones need -tags musl, amd64-v3 needs GOAMD64=v3) or choose a release that carries it",
		ErrNoPayload, platform, module, version, python, strings.Join(carried, ", "))
}
