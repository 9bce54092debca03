"""Make a payload directory: contents are staged, compressed on all processors, and listed.

Contents come in one after the other (an archive is read forward only) and are staged on disk
under their sha256, equal ones once. Then all are compressed, the largest first, with as many at
a time as processors and ``MEMORY_BYTES`` allow. The result depends on names, contents and
``PayloadConfig`` alone.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from pipeline.errors import ToolError
from pipeline.host import CHUNK_BYTES, copy_stream, disk_errors, replace_dir
from pipeline.model import Manifest, PayloadConfig
from pipeline.payload.manifest import FILE_NAME, ZSTD, dump_manifest

ZSTANDARD = "0.25.0"
"""The version of the zstandard package whose output the release is made of."""
MEMORY_BYTES = 192 << 20
"""How much compressors may hold together; level 19 takes 90 MB for a large file."""


@dataclass(frozen=True, slots=True)
class Content:
    """Staged bytes."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Blob:
    """How a content is stored."""

    codec: str
    stored_bytes: int


class Stage:
    """Uncompressed contents on their way into a payload, each once, in a private directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"

    def add(self, feed: Callable[[Callable[[bytes], object]], object]) -> Content:
        """Stage what ``feed(write)`` writes."""
        digest, size = hashlib.sha256(), 0

        with disk_errors(self.folder), self._incoming.open("wb") as file:

            def write(data: bytes) -> None:
                nonlocal size
                digest.update(data)
                size += len(data)
                file.write(data)

            feed(write)
        content = Content(digest.hexdigest(), size)
        self._incoming.replace(self.path(content.sha256))
        return content

    def path(self, sha256: str) -> Path:
        """Where the content with this hash is, if it was staged."""
        return self.folder / sha256


def compress_all(
    contents: Iterable[Content],
    stage: Stage,
    out: Path,
    config: PayloadConfig,
    *,
    processors: int,
    advance: Callable[[int], None] = lambda _count: None,
) -> Mapping[str, Blob]:
    """Write each content's blob into ``out``; returns by sha256 how it is stored.

    ``advance`` is told of bytes as they are read, from several threads; what it raises ends the
    work within a moment.
    """
    check_compressor()
    work = sorted({c.sha256: c for c in contents}.values(), key=lambda c: (-c.size_bytes, c.sha256))
    budget = _Budget(MEMORY_BYTES)
    blobs: dict[str, Blob] = {}

    def one(content: Content) -> None:
        with budget.hold(_compressor_bytes(content.size_bytes, config)):
            blobs[content.sha256] = _write_blob(content, stage, out, config, advance)

    with disk_errors(out), ThreadPoolExecutor(max_workers=processors) as pool:
        futures = [pool.submit(one, content) for content in work]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return blobs


def check_compressor() -> None:
    """Raise ``ToolError`` when another zstandard is installed: it would give other bytes."""
    if zstandard.__version__ != ZSTANDARD:
        raise ToolError(
            f"zstandard {zstandard.__version__} is installed, payloads are packed with {ZSTANDARD}",
            remedy=f"pip install zstandard=={ZSTANDARD}",
        )


def _parameters(size_bytes: int, config: PayloadConfig) -> zstandard.ZstdCompressionParameters:
    return zstandard.ZstdCompressionParameters.from_level(
        config.level, source_size=max(size_bytes, 1), write_content_size=True, write_checksum=False
    )


def _compressor_bytes(size_bytes: int, config: PayloadConfig) -> int:
    if config.codec != ZSTD:
        return CHUNK_BYTES
    return _parameters(size_bytes, config).estimated_compression_context_size() + CHUNK_BYTES


@dataclass(frozen=True, slots=True)
class _Told:
    """A file that tells of what is read from it."""

    file: BinaryIO
    advance: Callable[[int], None]

    def read(self, count: int) -> bytes:
        data = self.file.read(count)
        self.advance(len(data))
        return data


def _write_blob(
    content: Content,
    stage: Stage,
    out: Path,
    config: PayloadConfig,
    advance: Callable[[int], None],
) -> Blob:
    raw = stage.path(content.sha256)
    name = content.sha256[:32]
    if config.codec == ZSTD:
        packed = out / f"{name}.zst"
        with raw.open("rb") as source, packed.open("wb") as target:
            stored = _compress(_Told(source, advance), target, content.size_bytes, config)
        if stored < content.size_bytes:
            return Blob(ZSTD, stored)
        packed.unlink()
    with raw.open("rb") as source, (out / name).open("wb") as target:
        copy_stream(source, target)
    return Blob("", content.size_bytes)


def _compress(source: _Told, target: BinaryIO, size_bytes: int, config: PayloadConfig) -> int:
    compressor = zstandard.ZstdCompressor(compression_params=_parameters(size_bytes, config))
    # Fixed read sizes: how the input is cut decides where blocks end.
    _read, written = compressor.copy_stream(
        cast("BinaryIO", source),
        target,
        size=size_bytes,
        read_size=CHUNK_BYTES,
        write_size=CHUNK_BYTES,
    )
    return written


class _Budget:
    """A semaphore that counts bytes. What alone exceeds the limit runs alone."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held = 0
        self._freed = threading.Condition()

    def hold(self, count: int) -> _Hold:
        return _Hold(self, min(count, self._limit))

    def take(self, count: int) -> None:
        with self._freed:
            self._freed.wait_for(lambda: self._held + count <= self._limit)
            self._held += count

    def give(self, count: int) -> None:
        with self._freed:
            self._held -= count
            self._freed.notify_all()


@dataclass(frozen=True, slots=True)
class _Hold:
    budget: _Budget
    count: int

    def __enter__(self) -> None:
        self.budget.take(self.count)

    def __exit__(self, *_: object) -> None:
        self.budget.give(self.count)


def publish(folder: Path, manifest: Manifest, target: Path) -> None:
    """Write the manifest into ``folder``, which holds its blobs, and move it to ``target``."""
    with disk_errors(folder):
        (folder / FILE_NAME).write_bytes(dump_manifest(manifest))
    replace_dir(folder, target)
