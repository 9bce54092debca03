module example/jinja2

go 1.24

require github.com/goempy/goempy v0.0.0

require (
	github.com/klauspost/compress v1.19.2 // indirect
	golang.org/x/sys v0.35.0 // indirect
)

replace github.com/goempy/goempy => ../..
