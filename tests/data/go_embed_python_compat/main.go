// Every exported name of the packages that users of go-embed-python and its
// forks import, used as such a user does. Only MODULE is replaced.
package main

import (
	"io/fs"
	"os"
	"os/exec"
	"testing/fstest"

	"MODULE/embed_util"
	"MODULE/pip"
	"MODULE/python"
)

// mock is what users' tests put in the place of an interpreter.
type mock struct{}

func (mock) GetExeName() string                          { return "" }
func (mock) GetExePath() (string, error)                 { return "", nil }
func (mock) AddPythonPath(string)                        {}
func (mock) PythonCmd(...string) (*exec.Cmd, error)      { return nil, nil }
func (mock) PythonCmd2(args []string) (*exec.Cmd, error) { return nil, nil }

var _ python.Python = mock{}

func usePython() error {
	var ep *python.EmbeddedPython
	ep, err := python.NewEmbeddedPython("name")
	if err != nil {
		return err
	}
	ep, err = python.NewEmbeddedPythonWithTmpDir("dir", true)
	if err != nil {
		return err
	}
	var p python.Python = ep
	var opt python.PythonOpt = python.WithPythonHome("home")
	for _, p = range []python.Python{p, ep.Python, python.NewPython(), python.NewPython(opt)} {
		p.AddPythonPath("path")
		var name string = p.GetExeName()
		path, err := p.GetExePath()
		if err != nil {
			return err
		}
		var cmd *exec.Cmd
		cmd, err = p.PythonCmd("-c", name, path)
		if err != nil {
			return err
		}
		cmd, err = p.PythonCmd2([]string{"-c", ""})
		if err != nil {
			return err
		}
		if err := cmd.Run(); err != nil {
			return err
		}
	}
	var dir string = ep.GetExtractedPath()
	_ = dir
	return ep.Cleanup()
}

func useEmbedUtil() error {
	var files fs.FS = fstest.MapFS{}
	var e *embed_util.EmbeddedFiles
	e, err := embed_util.NewEmbeddedFiles(files, "name")
	if err != nil {
		return err
	}
	e, err = embed_util.NewEmbeddedFilesWithTmpDir(files, "dir", false)
	if err != nil {
		return err
	}
	var dir string = e.GetExtractedPath()
	if err := embed_util.CopyForEmbed("out", dir); err != nil {
		return err
	}
	if err := embed_util.BuildAndWriteFilesList(dir); err != nil {
		return err
	}
	if err := embed_util.WriteEmbedGoFile(dir, "linux", "amd64"); err != nil {
		return err
	}
	return e.Cleanup()
}

func usePip() error {
	var lib *embed_util.EmbeddedFiles
	lib, err := pip.NewPipLib("name")
	if err != nil {
		return err
	}
	defer lib.Cleanup()
	if err := pip.CreateEmbeddedPipPackagesForKnownPlatforms("requirements.txt", "data"); err != nil {
		return err
	}
	tags := []string{"win_amd64"}
	if err := pip.CreateEmbeddedPipPackages("requirements.txt", "windows", "amd64", tags, "data"); err != nil {
		return err
	}
	ep, err := python.NewEmbeddedPython("name")
	if err != nil {
		return err
	}
	return pip.CreateEmbeddedPipPackages2(ep, "requirements.txt", "", "", nil, "data")
}

func main() {
	for _, use := range []func() error{usePython, useEmbedUtil, usePip} {
		if err := use(); err != nil {
			os.Exit(1)
		}
	}
}
