// Packs a folder, or extracts what was packed: "pack FOLDER OUT", "extract
// PACKED". It uses what MODULE and its users have in common.
package main

import (
	"fmt"
	"os"

	"MODULE/embed_util"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if args[0] == "pack" {
		return embed_util.CopyForEmbed(args[2], args[1])
	}
	_, err := embed_util.NewEmbeddedFiles(os.DirFS(args[1]), "bench")
	return err
}
