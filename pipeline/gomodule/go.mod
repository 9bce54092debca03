module github.com/goempy/goempy

go 1.24

require (
	github.com/klauspost/compress v1.19.2
	golang.org/x/sys v0.35.0
)
