// Package platforms lists the platforms of a release: what Go calls them, when
// a build is for them, and which wheels run there.
package platforms

import "slices"

// Platform is one of the platforms of a release.
type Platform struct {
	// Name is GOOS-GOARCH and, after further dashes, what narrows it, such as
	// linux-amd64, linux-amd64-musl or linux-amd64-v3.
	Name string

	// GOOS and GOARCH are Go's names.
	GOOS, GOARCH string

	// Libc is "musl" where the platform is for it, and "" otherwise.
	Libc string

	// GOAMD64 is the lowest level of the CPU, such as "v3", or "".
	GOAMD64 string

	// WheelTags are the platform tags of wheels that run here, best first.
	WheelTags []string
}

// levels are the values of GOAMD64, from the lowest.
var levels = []string{"", "v2", "v3", "v4"}

// Constraint is the build constraint that is true for p and for no other of
// several platforms. A level of GOAMD64 includes those below it, so p leaves
// out the next higher level that is among them. Without that one, p serves its
// builds as well. To Go, Android is a Linux and iOS a macOS too, and no payload
// runs there.
func (p *Platform) Constraint(among []Platform) string {
	text := p.GOOS + " && " + p.GOARCH
	switch {
	case p.Libc != "":
		text += " && " + p.Libc
	case p.GOOS == "linux":
		text += " && !musl"
	}
	switch p.GOOS {
	case "linux":
		text += " && !android"
	case "darwin":
		text += " && !ios"
	}
	if p.GOAMD64 != "" {
		text += " && " + p.GOARCH + "." + p.GOAMD64
	}
	for _, level := range levels[slices.Index(levels, p.GOAMD64)+1:] {
		if slices.ContainsFunc(among, func(q Platform) bool {
			return q.GOOS == p.GOOS && q.GOARCH == p.GOARCH && q.Libc == p.Libc && q.GOAMD64 == level
		}) {
			return text + " && !" + p.GOARCH + "." + level
		}
	}
	return text
}
