package pip

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrNoWheel is matched when a required package has no wheel that a platform
// takes. The error is a *WheelError.
var ErrNoWheel = errors.New("no wheel")

// WheelError says which package has no wheel for which platform.
type WheelError struct {
	Package  string   // the requirement, or the wheel's file name, as pip says it; or several: "a 1.0, b 2.0"
	Platform string   // such as linux-arm64
	Tags     []string // the platform tags that were allowed; none: those of this machine
	Output   string   // the end of pip's output
}

// Error names the package, the platform and the tags, and says what to do.
func (e *WheelError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "pip: no wheel of %s for %s", e.Package, e.Platform)
	if len(e.Tags) > 0 {
		fmt.Fprintf(&b, " (tags tried: %s)", strings.Join(e.Tags, ", "))
	}
	if versions := otherVersions(e.Output); versions != "" {
		fmt.Fprintf(&b, "; versions that have one: %s", versions)
	}
	if m := causes.FindStringSubmatch(e.Output); m != nil {
		fmt.Fprintf(&b, "; there is a conflict: %s", joined(m[1]))
	}
	b.WriteString(". Require a version that has a wheel for this platform and Python; " +
		"if the package comes as source only, add its wheel or its project directory with WithPackages")
	if len(e.Tags) > 0 {
		b.WriteString("; if its wheels have other tags that run there, add these tags")
	}
	if strings.Contains(e.Output, "require a different python version") {
		b.WriteString(". pip left out versions that are for other Pythons, see its output")
	}
	return b.String()
}

// Unwrap makes the error match ErrNoWheel.
func (e *WheelError) Unwrap() error { return ErrNoWheel }

var (
	notFound    = regexp.MustCompile(`(?m)^ERROR: No matching distribution found for (.+)$`)
	noVersion   = regexp.MustCompile(`(?m)^ERROR: Could not find a version that satisfies the requirement (.+) \(from versions: (.*)\)$`)
	unsupported = regexp.MustCompile(`(?m)^ERROR: (\S+\.whl) is not a supported wheel on this platform\.`)
	unselected  = regexp.MustCompile(`(?m)^ERROR: No wheel for this platform: (.+)$`) // of selectWheels
	inConflict  = regexp.MustCompile(`(?m)^Additionally, some packages in these conflicts have no matching distributions available for your environment:\n((?: +\S.*\n?)+)`)
	causes      = regexp.MustCompile(`(?m)^The conflict is caused by:\n((?: +\S.*\n?)+)`)
	retry       = regexp.MustCompile(`(?m)^WARNING: Retrying \(Retry\(.*$`)
	comesFrom   = regexp.MustCompile(` \(from [^()]*(?:\([^()]*\))?[^()]*\)$`)
)

// missingWheel finds in pip's output what it has no wheel for; "" when it
// failed for another reason. pip says of an index that it cannot reach that it
// has no matching versions: no wheel is missing then.
func missingWheel(output string) string {
	for _, pattern := range []*regexp.Regexp{unsupported, unselected} {
		if m := pattern.FindStringSubmatch(output); m != nil {
			return m[1]
		}
	}
	if retry.MatchString(output) && otherVersions(output) == "" {
		return ""
	}
	if m := notFound.FindStringSubmatch(output); m != nil {
		return comesFrom.ReplaceAllString(strings.TrimSpace(m[1]), "")
	}
	if m := noVersion.FindStringSubmatch(output); m != nil {
		return comesFrom.ReplaceAllString(m[1], "")
	}
	if m := inConflict.FindStringSubmatch(output); m != nil {
		return joined(m[1])
	}
	return ""
}

// joined makes one line of indented ones.
func joined(lines string) string {
	var each []string
	for line := range strings.Lines(lines) {
		each = append(each, strings.TrimSpace(line))
	}
	return strings.Join(each, ", ")
}

// otherVersions returns the versions that pip could have installed.
func otherVersions(output string) string {
	m := noVersion.FindStringSubmatch(output)
	if m == nil || m[2] == "none" {
		return ""
	}
	versions := strings.Split(m[2], ", ")
	if len(versions) > 10 {
		versions = append([]string{"…"}, versions[len(versions)-10:]...)
	}
	return strings.Join(versions, ", ")
}

// reason is the part of pip's output that says why it failed.
func reason(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	if m := retry.FindAllString(output, -1); len(m) > 0 {
		return m[len(m)-1] + "\n" + lines[len(lines)-1]
	}
	for i, line := range lines {
		if strings.HasPrefix(line, "ERROR:") || strings.Contains(line, ": error: ") {
			lines = lines[i:]
			if len(lines) > 20 {
				lines = append(lines[:20], "…")
			}
			return strings.Join(lines, "\n")
		}
	}
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
