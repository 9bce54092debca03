package data

// Version is the release, Python and PBS what it embeds. All are empty in the
// source tree, which carries no payload.
const (
	Version = ""
	Python  = ""
	PBS     = ""
)

// Platforms are the payloads that this release carries, sorted.
var Platforms = []string{}
