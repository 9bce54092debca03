"""Shared vectors: one tree, packed by each side in each layout, committed in ``tests/data``.

``python -m tests.builders.vectors`` writes them anew, when the bytes change on purpose.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.release.module_tree import TEMPLATE
from tests.builders.trees import File, Folder, Link, Tree, pack_tree, write_tree
from tests.harness.go import Go

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
SIDES = {"blobs": ("python", "go"), "stream": ("python", "go"), "frames": ("go",)}
"""Who packs in each layout; both sides read all."""

UNUSUAL: Tree = {
    "aux.py": File(b"a device on Windows"),
    "con/nul.txt": File(b"two more"),
    "N": File(b"upper case"),
    "n": File(b"lower case"),
    ".hidden": File(b"go:embed leaves this out"),
    "_underscore/.dots/..x": File(b"and these"),
    "vendor/a.go": File(b"package a"),
    "go.mod": File(b"module nested"),
    "nested/go.mod": File(b"module nested"),
    "naïve/日本語 файл.txt": File("naïve 日本語".encode()),
    "spaces and 'quotes' \"*?<>|:": File(b"Go module zips refuse this name"),
    "empty": File(),
    "empty folder/inner": Folder(),
    "program": File(b"#!/bin/sh\n", executable=True),
    "links/first": Link("second"),
    "links/second": Link("../links/third"),
    "links/third": Link("../program"),
    "links/folder": Link("../empty folder"),
    "links/nowhere": Link("../missing"),
    "zeros": File(bytes(300_000)),
    "twin of zeros": File(bytes(300_000)),
    "noise": File(bytes(n * n * 7919 % 251 for n in range(5000))),
}


@dataclass(frozen=True)
class GoFormats:
    """The Go side, as a process that answers."""

    process: subprocess.Popen[str]

    def ask(self, *words: str | Path) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(word) for word in words]) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def go_formats(folder: Path) -> Iterator[GoFormats]:
    """Built in a copy of the template itself, so that it is what releases carry."""
    tool = Go(folder / "modcache")
    shutil.copytree(TEMPLATE, folder / "module")
    shutil.copytree(
        Path(__file__).parents[1] / "harness" / "goformats", folder / "module" / "goformats"
    )
    tool.run("build", "-o", str(folder / "goformats"), "./goformats", cwd=folder / "module")
    with subprocess.Popen(
        [folder / "goformats"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield GoFormats(process)
        assert process.stdin is not None
        process.stdin.close()


def write_vectors(target: Path, go: GoFormats, layout: str) -> None:
    """Pack the tree by each side of a layout into ``target/<layout>/<side>``."""
    with tempfile.TemporaryDirectory() as scratch:
        write_tree(Path(scratch, "tree"), UNUSUAL)
        folder = target / layout
        folder.mkdir(parents=True, exist_ok=True)
        if "python" in SIDES[layout]:
            pack_tree(UNUSUAL, folder / "python", layout=layout)
        answer = go.ask(f"pack {layout}", folder / "go", Path(scratch, "tree"))
        assert answer == "ok", answer


def main() -> None:
    shutil.rmtree(VECTORS, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder, go_formats(Path(folder)) as go:
        for layout in SIDES:
            write_vectors(VECTORS, go, layout)


if __name__ == "__main__":
    main()
