"""Interpreters as the peers' Go modules carry them: real trees of python-build-standalone.

They come from the module proxy at run time; nothing of them is kept in this repository.
"""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import zstandard

from pipeline.formats.payload.manifest import MODE_DIR, MODE_LINK
from tests.harness.go import find_go

PBS_WINDOW_LOG = 27
"""128 MiB, which reading one of PBS's archives takes: zstd's level 22."""


class Trees(Protocol):
    """Trees of one Python; those of a peer's module, or made to look like them."""

    @property
    def python(self) -> str:
        """The full version: ``3.14.6``."""

    def payload(self, platform: str) -> Path:
        """A folder with files and a ``files.json``, as the peers' modules embed them."""


@dataclass(frozen=True)
class Peer:
    """A published version of a peer's module, and the Python in it."""

    module: str
    version: str
    python: str

    @property
    def name(self) -> str:
        """How it is called: ``go-embed-python 3.14.6``."""
        return f"{self.module.rpartition('/')[2]} {self.python}"

    def folder(self) -> Path:
        """The module in this machine's own module cache, downloaded if it is not there yet."""
        done = subprocess.run(
            [find_go(), "mod", "download", "-json", f"{self.module}@{self.version}"],
            capture_output=True, text=True, check=True, cwd=Path.home(),
        )  # fmt: skip
        return Path(json.loads(done.stdout)["Dir"])

    def payload(self, platform: str) -> Path:
        """What the module embeds for a platform such as ``linux-amd64``."""
        return self.folder() / "python" / "internal" / "data" / platform


GO_EMBED_PYTHON = Peer("github.com/kluctl/go-embed-python", "v0.0.0-3.13.1-20241219-1", "3.13.1")
GO_EMBED_PYTHON_NEWEST = Peer(
    "github.com/kluctl/go-embed-python", "v0.0.0-3.14.6-20260610-1", "3.14.6"
)
RATATOSKR = Peer("github.com/asgardehs/ratatoskr", "v1.0.0", "3.13.13")


def stored_bytes(payload: Path) -> int:
    """What a peer's payload takes in the module and in a Go binary."""
    return sum(path.stat().st_size for path in payload.rglob("*") if path.is_file())


def write_archive(
    payload: Path,
    target: Path,
    *,
    root: str,
    extra: dict[str, bytes],
    keep: Callable[[str], object] = bool,
) -> None:
    """An archive of PBS's shape with the peer's tree below ``root``; ``extra`` beside it.

    Of the tree it has the names that ``keep`` is true for.
    """
    settings = zstandard.ZstdCompressionParameters.from_level(1, window_log=PBS_WINDOW_LOG)
    compressor = zstandard.ZstdCompressor(compression_params=settings)
    with (
        target.open("wb") as file,
        compressor.stream_writer(file) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, data in extra.items():
            _add(tar, name, data, 0o644)
        for row in json.loads((payload / "files.json").read_text("utf-8"))["files"]:
            if keep(row["name"]):
                _add_row(tar, payload, row, root)


def _add_row(tar: tarfile.TarFile, payload: Path, row: dict[str, Any], root: str) -> None:
    name, perm = row["name"], row["perm"]
    if perm & MODE_DIR:
        return
    if perm & MODE_LINK:
        info = tarfile.TarInfo(root + name)
        info.type, info.linkname = tarfile.SYMTYPE, row["symlink"]
        tar.addfile(info)
        return
    stored = payload / name
    if row.get("compressed"):
        data = gzip.decompress(stored.with_name(stored.name + ".gz").read_bytes())
    else:
        data = stored.read_bytes()
    _add(tar, root + name, data, perm & 0o777)


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    tar.addfile(info, io.BytesIO(data))
