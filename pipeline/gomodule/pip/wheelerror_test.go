package pip

import (
	"errors"
	"strings"
	"testing"
)

// These are outputs of pip 26.3 and, where it says so, of others.
func TestMissingWheel(t *testing.T) {
	for name, c := range map[string]struct{ output, want, versions string }{
		"required": {`Looking in indexes: https://example.invalid/simple
ERROR: Could not find a version that satisfies the requirement docopt==0.6.2 (from versions: none)
ERROR: No matching distribution found for docopt==0.6.2
`, "docopt==0.6.2", ""},
		"of a dependency": {`Processing ./links/alpha-1.0-py3-none-any.whl
ERROR: Could not find a version that satisfies the requirement beta>=1 (from alpha) (from versions: 0.4, 0.5)
ERROR: No matching distribution found for beta>=1 (from alpha)
`, "beta>=1", "0.4, 0.5"},
		"other Python": {`ERROR: Ignored the following versions that require a different python version: 3.0.0 Requires-Python >=3.99
ERROR: Could not find a version that satisfies the requirement newpy==3.0.0 (from versions: 1.0)
ERROR: No matching distribution found for newpy==3.0.0
`, "newpy==3.0.0", "1.0"},
		"from a file": {`ERROR: Could not find a version that satisfies the requirement x==1 (from -r requirements.txt (line 3)) (from versions: none)
ERROR: No matching distribution found for x==1 (from -r requirements.txt (line 3))
`, "x==1", ""},
		"a wheel file": {`ERROR: beta-1.0-cp311-cp311-macosx_11_0_arm64.whl is not a supported wheel on this platform.
`, "beta-1.0-cp311-cp311-macosx_11_0_arm64.whl", ""},
		"selected from a lock": {"ERROR: No wheel for this platform: alpha 1.0, beta 0.4\n", "alpha 1.0, beta 0.4", ""},
		"in a conflict": {`ERROR: Cannot install a==1 and b==1 because these package versions have conflicting dependencies.

The conflict is caused by:
    a 1 depends on c
    b 1 depends on c>1

Additionally, some packages in these conflicts have no matching distributions available for your environment:
    c
    d

To fix this you could try to:
1. loosen the range of package versions you've specified
`, "c, d", ""},
		"no index": {`WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by 'NewConnectionError("HTTPConnection(host='127.0.0.1', port=9): Failed to establish a new connection: [Errno 111] Connection refused")': /simple/nothere/
ERROR: Could not find a version that satisfies the requirement nothere (from versions: none)
ERROR: No matching distribution found for nothere
`, "", ""},
		"hashes": {`ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update the hashes. Otherwise, examine the package contents carefully; someone may have tampered with them.
    gamma==1.0 from file:///links/gamma-1.0-py3-none-any.whl (from -r r.txt (line 1)):
        Expected sha256 aaaa
             Got        b49c
`, "", ""},
		"another Python": {"ERROR: Package 'newpy' requires a different Python: 3.11.7 not in '>=3.99'\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := missingWheel(c.output); got != c.want {
				t.Errorf("missing is %q", got)
			}
			if got := otherVersions(c.output); got != c.versions {
				t.Errorf("versions are %q", got)
			}
			if got := reason(c.output); !strings.Contains(got, "ERROR:") {
				t.Errorf("reason is %q", got)
			}
		})
	}
}

func TestReason(t *testing.T) {
	for in, want := range map[string]string{
		"a\nWARNING: b\nERROR: c\nd\n":      "ERROR: c\nd",
		"\nUsage:\n\npip: error: no such\n": "pip: error: no such",
		"a\nb\n":                            "a\nb",
		"":                                  "",
	} {
		if got := reason(in); got != want {
			t.Errorf("%q gives %q", in, got)
		}
	}
}

func TestWheelError(t *testing.T) {
	var err error = &WheelError{
		Package:  "beta>=1",
		Platform: "linux-arm64",
		Tags:     []string{"manylinux_2_28_aarch64", "manylinux2014_aarch64"},
		Output:   "ERROR: Could not find a version that satisfies the requirement beta>=1 (from versions: 0.4, 0.5)\n",
	}
	if !errors.Is(err, ErrNoWheel) {
		t.Error("it does not match ErrNoWheel")
	}
	for _, part := range []string{"beta>=1", "linux-arm64", "manylinux_2_28_aarch64, manylinux2014_aarch64", "0.4, 0.5", "WithPackages"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	here := &WheelError{Package: "x", Platform: "this machine", Output: "The conflict is caused by:\n    The user requested x 1\n    a 2 depends on x>1\n\nAdd"}
	text := here.Error()
	if strings.Contains(text, "tags") || !strings.Contains(text, "WithPackages") || !strings.Contains(text, "The user requested x 1, a 2 depends on x>1.") {
		t.Errorf("no hint, no conflict, or tags in %q", text)
	}
}
