package embed_util_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing/fstest"
	"time"

	"github.com/goempy/goempy/embed_util"
)

// Verify finds what was changed, and Repair replaces it.
func ExampleEmbeddedFiles_Repair() {
	assets := fstest.MapFS{
		"hello.txt": {Data: []byte("hello\n")},
	}
	files, err := embed_util.NewEmbeddedFiles(assets, "myapp-assets")
	if err != nil {
		log.Fatal(err)
	}
	defer files.Cleanup()
	hello := filepath.Join(files.GetExtractedPath(), "hello.txt")
	if err := os.WriteFile(hello, []byte("something else\n"), 0o644); err != nil {
		log.Fatal(err)
	}

	fmt.Println("damaged:", errors.Is(files.Verify(), embed_util.ErrDamaged))
	if err := files.Repair(); err != nil {
		log.Fatal(err)
	}
	text, err := os.ReadFile(hello)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("repaired: %s", text)
	// Output:
	// damaged: true
	// repaired: hello
}

// Other versions are removed if they were last used more than a month ago,
// and no running process uses them.
func ExampleEmbeddedFiles_Prune() {
	state, err := os.MkdirTemp("", "myapp-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(state)

	assets := fstest.MapFS{
		"hello.txt": {Data: []byte("hello\n")},
	}
	files, err := embed_util.NewEmbeddedFilesWithTmpDir(assets, filepath.Join(state, "assets"), true)
	if err != nil {
		log.Fatal(err)
	}
	defer files.Cleanup()
	removed, err := files.Prune(30 * 24 * time.Hour)
	if err != nil {
		log.Print(err) // the program works nevertheless
	}
	fmt.Println(len(removed), "directories removed")
	// Output: 0 directories removed
}

func ExampleEmbeddedFiles_Cleanup() {
	assets := fstest.MapFS{
		"hello.txt": {Data: []byte("hello\n")},
	}
	files, err := embed_util.NewEmbeddedFiles(assets, "myapp-assets")
	if err != nil {
		log.Fatal(err)
	}
	dir := files.GetExtractedPath()
	if err := files.Cleanup(); err != nil {
		log.Fatal(err)
	}
	_, err = os.Stat(dir)
	fmt.Println("removed:", errors.Is(err, os.ErrNotExist))
	// Output: removed: true
}
