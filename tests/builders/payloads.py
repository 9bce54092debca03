"""Payloads of made-up files, packed as the pipeline packs them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from pipeline.build import pack
from pipeline.build import staging as stages
from pipeline.build.blob_cache import BlobCache
from pipeline.build.compressor import compressing
from pipeline.config.model import PayloadConfig
from pipeline.formats.payload.model import Component, Manifest, Origin, PayloadMetadata

ZSTD = PayloadConfig(level=3)
STREAM = PayloadConfig(level=3, layout="stream")
TEXT = b"import this\n" * 1000
NOISE = random.Random(1).randbytes(5000)
FILES = {"empty": b"", "noise": NOISE, "text": TEXT, "twin": TEXT}


def writer(data: bytes) -> Callable[[Callable[[bytes], object]], None]:
    """What writes ``data`` in two pieces."""

    def feed(write: Callable[[bytes], object]) -> None:
        write(data[:100])
        write(data[100:])

    return feed


def pack_files(
    folder: Path,
    files: dict[str, bytes],
    config: PayloadConfig = ZSTD,
    processors: int = 2,
    origin: Origin | None = None,
    cell_digest: str = "",
    *,
    cache: BlobCache | None = None,
    components: tuple[Component, ...] = (),
) -> Manifest:
    """A payload of flat files at ``folder``."""
    beside = folder.parent
    with stages.staging(beside) as stage, compressing(beside, processors, cache) as compressor:
        tree = pack.Tree(
            tuple(pack.PackFile(n, stage.add(writer(data))) for n, data in files.items()),
            (),
            PayloadMetadata(origin, cell_digest, components),
        )
        return pack.pack_tree(stage, tree, folder, config, compressor).manifest


def bytes_below(folder: Path) -> dict[str, bytes]:
    """The files of a folder by their names."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
