package data

import "embed"

var files embed.FS

const folder, compiler = "", ""
