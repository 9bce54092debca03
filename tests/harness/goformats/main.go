// Command goformats packs and extracts payloads as a Go program does, for
// tests of the other side. It reads a JSON array a line: ["extract", payload,
// dir], ["pack frames", out, dir], or the same with "pack blobs" or "pack stream", and answers each with "ok" or the error.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/goempy/goempy/embed_util"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		answer := "ok"
		if err := carryOut(lines.Bytes()); err != nil {
			answer = strings.ReplaceAll(err.Error(), "\n", " / ")
		}
		fmt.Println(answer)
	}
}

func carryOut(line []byte) error {
	var words [3]string
	if err := json.Unmarshal(line, &words); err != nil {
		return err
	}
	switch words[0] {
	case "extract":
		_, err := embed_util.NewEmbeddedFilesWithTmpDir(os.DirFS(words[1]), words[2], false)
		return err
	case "pack frames":
		return embed_util.CopyForEmbed(words[1], words[2])
	case "pack blobs":
		return embed_util.CopyForEmbed(words[1], words[2], embed_util.WithBlobs())
	case "pack stream":
		return embed_util.CopyForEmbed(words[1], words[2], embed_util.WithStream())
	default:
		return fmt.Errorf("unknown command %q", words[0])
	}
}
