package pip

import (
	"errors"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/pip/internal/data"
)

// ErrNoPip is matched when the module carries no pip, which is so in its
// source tree.
var ErrNoPip = errors.New("pip: none is embedded, because this is the source tree of the module: " +
	"depend on a release of github.com/goempy/goempy")

// NewPipLib extracts the embedded pip, setuptools and wheel to a private
// directory of this user, which becomes importable with
//
//	ep.AddPythonPath(lib.GetExtractedPath())
//
// name is part of the directory's name. The errors are ErrNoPip and those of
// embed_util.NewEmbeddedFiles, which also says what holds when several
// processes call it at the same time.
func NewPipLib(name string, opts ...embed_util.Option) (*embed_util.EmbeddedFiles, error) {
	files, err := data.Files()
	if err != nil {
		return nil, err
	}
	if files == nil {
		return nil, ErrNoPip
	}
	return embed_util.NewEmbeddedFiles(files, "pip-"+name, opts...)
}
