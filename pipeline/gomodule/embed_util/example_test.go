package embed_util_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/goempy/goempy/embed_util"
)

// Any file system will do; a program has an embed.FS:
//
//	//go:embed templates
//	var assets embed.FS
func ExampleNewEmbeddedFiles() {
	assets := fstest.MapFS{
		"templates/hello.txt": {Data: []byte("hello\n")},
	}
	files, err := embed_util.NewEmbeddedFiles(assets, "myapp-assets")
	if err != nil {
		log.Fatal(err)
	}
	defer files.Cleanup()
	text, err := os.ReadFile(filepath.Join(files.GetExtractedPath(), "templates", "hello.txt"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", text)
	// Output: hello
}

func ExampleNewEmbeddedFilesWithTmpDir() {
	state, err := os.MkdirTemp("", "myapp-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(state)

	assets := fstest.MapFS{
		"hello.txt": {Data: []byte("hello\n")},
	}
	dir := filepath.Join(state, "assets")
	files, err := embed_util.NewEmbeddedFilesWithTmpDir(assets, dir, false)
	if err != nil {
		log.Fatal(err)
	}
	defer files.Cleanup()
	text, err := os.ReadFile(filepath.Join(dir, "hello.txt"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", text)
	// Output: hello
}

// CopyForEmbed packs a directory when the program is built, and
// NewEmbeddedFiles extracts it where the program runs.
func ExampleCopyForEmbed() {
	project, err := os.MkdirTemp("", "project-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(project)
	src, out := filepath.Join(project, "assets"), filepath.Join(project, "data")
	if err := os.CopyFS(src, fstest.MapFS{
		"bin/run.sh": {Data: []byte("#!/bin/sh\necho hello\n"), Mode: 0o755},
		"readme.txt": {Data: []byte("run bin/run.sh\n")},
	}); err != nil {
		log.Fatal(err)
	}

	// In a program that go generate runs:
	if err := embed_util.CopyForEmbed(out, src); err != nil {
		log.Fatal(err)
	}

	// In the program that embeds the directory data as an embed.FS:
	files, err := embed_util.NewEmbeddedFiles(os.DirFS(out), "myapp-assets")
	if err != nil {
		log.Fatal(err)
	}
	defer files.Cleanup()
	err = fs.WalkDir(os.DirFS(files.GetExtractedPath()), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			fmt.Println(path)
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// bin/run.sh
	// readme.txt
}

// A stream is one file beside files.json, whatever the number of contents.
func ExampleWithStream() {
	project, err := os.MkdirTemp("", "project-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(project)
	src, out := filepath.Join(project, "assets"), filepath.Join(project, "data")
	if err := os.CopyFS(src, fstest.MapFS{
		"one.txt": {Data: bytes.Repeat([]byte("one\n"), 1000)},
		"two.txt": {Data: bytes.Repeat([]byte("two\n"), 1000)},
	}); err != nil {
		log.Fatal(err)
	}
	if err := embed_util.CopyForEmbed(out, src, embed_util.WithStream()); err != nil {
		log.Fatal(err)
	}
	streams, err := filepath.Glob(filepath.Join(out, "*.zst"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("streams:", len(streams))
	// Output: streams: 1
}

// A folder of small text files is embedded as it is, with a list that
// records modes and hashes.
func ExampleBuildAndWriteFilesList() {
	dir, err := os.MkdirTemp("", "data-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("hello\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	if err := embed_util.BuildAndWriteFilesList(dir); err != nil {
		log.Fatal(err)
	}
	names, err := fs.Glob(os.DirFS(dir), "*")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(names)
	// Output: [files.json hello.txt]
}

// The payload of each platform is embedded in builds for that platform only.
func ExampleWriteEmbedGoFile() {
	dir, err := os.MkdirTemp("", "data-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, arch := range []string{"amd64", "arm64"} {
		if err := embed_util.WriteEmbedGoFile(dir, "linux", arch); err != nil {
			log.Fatal(err)
		}
	}
	names, err := fs.Glob(os.DirFS(dir), "*")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(names)
	// Output: [embed_linux_amd64.go embed_linux_arm64.go]
}
