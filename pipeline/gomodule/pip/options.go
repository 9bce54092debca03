package pip

import (
	"context"
	"io"
	"os"
)

// Option changes how packages are installed.
type Option func(*options)

type options struct {
	platforms []string
	subset    bool                // platforms were chosen
	wheelTags map[string][]string // by platform
	pipArgs   []string
	packages  []string
	sources   bool // without bytecode
	output    io.Writer
	ctx       context.Context // nil: none was given
}

func newOptions(opts []Option) *options {
	o := &options{output: os.Stderr}
	for _, opt := range opts {
		if opt != nil {
			opt(o)
		}
	}
	return o
}

// err says whether the work was called off.
func (o *options) err() error {
	if o.ctx == nil {
		return nil
	}
	return o.ctx.Err()
}

// WithPlatforms makes CreateEmbeddedPipPackagesForKnownPlatforms install for
// these platforms only, named like "linux-amd64" or "linux/amd64". What it
// wrote for others earlier stays as it is. To name none is an error. The other
// functions ignore this option.
func WithPlatforms(names ...string) Option {
	return func(o *options) {
		o.subset = true
		o.platforms = append(o.platforms, names...)
	}
}

// WithWheelTags replaces the tags that wheels of one platform of
// CreateEmbeddedPipPackagesForKnownPlatforms may have, best first. The release's
// own for Linux take wheels that need glibc 2.28 where there are some; this takes
// those that run with glibc 2.17, as the interpreter does:
//
//	pip.WithWheelTags("linux-amd64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
//
// To name a platform that the release does not have, or no tag, is an error. The
// other functions ignore this option.
func WithWheelTags(platform string, tags ...string) Option {
	return func(o *options) {
		if o.wheelTags == nil {
			o.wheelTags = make(map[string][]string)
		}
		o.wheelTags[platform] = tags
	}
}

// WithPackages adds packages that are not on an index, such as the program's own: wheel
// files, and directories with a pyproject.toml. What they require is installed too, and
// the requirements file may be "".
//
// Directories are built once, on this machine and where they are, as pip wheel does it; to
// build packages from them that are the same tomorrow, pin their build requirements. Of
// several wheels of a package, each platform gets the best one; if there is none for it,
// as for another platform when C code was compiled here, the error matches ErrNoWheel.
//
// They need no hashes where everything else has one, and take the place of a locked package
// of the same name. A requirement such as "app[cli]" chooses their extras.
func WithPackages(paths ...string) Option {
	return func(o *options) { o.packages = append(o.packages, paths...) }
}

// WithPipArgs adds arguments to the end of the pip command, such as
// "--no-index", "--find-links", dir. Where WithPackages names a directory, pip wheel gets
// them too, so they must be options that pip wheel accepts.
func WithPipArgs(args ...string) Option {
	return func(o *options) { o.pipArgs = append(o.pipArgs, args...) }
}

// WithoutBytecode leaves out the bytecode of the packages. What is embedded is smaller then;
// the first import of each module compiles it, and Python writes the bytecode beside the
// extracted files.
func WithoutBytecode() Option {
	return func(o *options) { o.sources = true }
}

// WithOutput sends the output of pip to w and not to os.Stderr; nil discards it.
// It is written in whole lines, by one goroutine at a time. When several
// platforms are installed, each line begins with the platform's name. Errors
// of w are ignored.
func WithOutput(w io.Writer) Option {
	return func(o *options) {
		if w == nil {
			w = io.Discard
		}
		o.output = w
	}
}

// WithContext ends everything when ctx is done: pip is killed with all its
// processes, and the function returns an error that matches the context's.
func WithContext(ctx context.Context) Option {
	return func(o *options) { o.ctx = ctx }
}
