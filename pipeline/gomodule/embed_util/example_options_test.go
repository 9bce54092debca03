package embed_util_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing/fstest"
	"time"

	"github.com/goempy/goempy/embed_util"
)

// Every start reads and hashes all files, and repairs what differs.
func ExampleWithVerify() {
	assets := fstest.MapFS{
		"hello.txt": {Data: []byte("hello\n")},
	}
	files, err := embed_util.NewEmbeddedFiles(assets, "myapp-assets", embed_util.WithVerify(embed_util.VerifyFull))
	if err != nil {
		log.Fatal(err)
	}
	defer files.Cleanup()
	text, err := os.ReadFile(filepath.Join(files.GetExtractedPath(), "hello.txt"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", text)
	// Output: hello
}

// Nothing is written before the files are needed.
func ExampleWithLazyExtract() {
	assets := fstest.MapFS{
		"hello.txt": {Data: []byte("hello\n")},
	}
	files, err := embed_util.NewEmbeddedFiles(assets, "myapp-assets", embed_util.WithLazyExtract())
	if err != nil {
		log.Fatal(err)
	}
	defer files.Cleanup()
	dir, err := files.Extract()
	if err != nil {
		log.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "hello.txt"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", text)
	// Output: hello
}

// The program waits at most a minute, also if another process is extracting.
func ExampleWithContext() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	assets := fstest.MapFS{
		"hello.txt": {Data: []byte("hello\n")},
	}
	files, err := embed_util.NewEmbeddedFiles(assets, "myapp-assets", embed_util.WithContext(ctx))
	if errors.Is(err, context.DeadlineExceeded) {
		fmt.Println("not ready in time")
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	defer files.Cleanup()
	fmt.Println("ready")
	// Output: ready
}

// Files that fail a check of the program are removed again, and the constructor
// returns the error of the check.
func ExampleWithStartCheck() {
	state, err := os.MkdirTemp("", "myapp-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(state)

	assets := fstest.MapFS{
		"tool.cfg": {Data: []byte("version = 1\n")},
	}
	errVersion := errors.New("version 2 is needed")
	check := func(dir string) error {
		config, err := os.ReadFile(filepath.Join(dir, "tool.cfg"))
		if err != nil {
			return err
		}
		if string(config) != "version = 2\n" {
			return errVersion
		}
		return nil
	}
	_, err = embed_util.NewEmbeddedFilesWithTmpDir(assets, filepath.Join(state, "tool"), true, embed_util.WithStartCheck(check))
	fmt.Println(errors.Is(err, errVersion))
	// Output: true
}

// In the container of this program no other user can reach the temp dir,
// whatever its mode.
func ExampleWithTrustedDir() {
	assets := fstest.MapFS{
		"hello.txt": {Data: []byte("hello\n")},
	}
	files, err := embed_util.NewEmbeddedFiles(assets, "myapp-assets", embed_util.WithTrustedDir(os.TempDir()))
	if err != nil {
		log.Fatal(err)
	}
	defer files.Cleanup()
	text, err := os.ReadFile(filepath.Join(files.GetExtractedPath(), "hello.txt"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", text)
	// Output: hello
}
