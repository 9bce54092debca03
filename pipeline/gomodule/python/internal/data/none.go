package data

import "embed"

var files embed.FS

const (
	platform = ""
	python   = ""
	pbs      = ""
)
