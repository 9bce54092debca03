// Package platforms lists the platforms of a release: what Go calls them, when
// a build is for them, and which wheels run there.
package platforms

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

	// Constraint is the build constraint that is true for this platform and
	// for no other of the release.
	Constraint string

	// WheelTags are the platform tags of wheels that run here, best first.
	WheelTags []string
}
