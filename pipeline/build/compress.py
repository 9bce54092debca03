"""Store staged contents: each in a blob of its own, or all in one stream.

Blobs are compressed the largest first, as many at a time as processors and ``MEMORY_BYTES``
allow. The bytes depend on the contents and ``PayloadConfig`` alone.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from pipeline.build.staging import Stage, StagedContent
from pipeline.config.model import PayloadConfig
from pipeline.formats.payload.manifest import BLOB_DIGITS, ZSTD
from pipeline.system.errors import ToolError
from pipeline.system.files import CHUNK_BYTES, disk_errors

STREAM = "stream"
ZSTANDARD = "0.25.0"
"""The version of the zstandard package whose output the release is made of."""
LIBZSTD = (1, 5, 7)
"""The library inside it; a build against another one gives other bytes."""
MEMORY_BYTES = 192 << 20
"""How much compressors may hold together; level 19 takes 100 MB for a large file."""
BLOB_WINDOW_LOG = 24
"""Whoever extracts holds a window: 16 MiB at most, whatever the level.

PBS's Linux binaries hold their code twice since they are optimized by llvm-bolt, some 13 MB apart:
8 MiB makes them 4 % larger.
"""
STREAM_WINDOW_LOG = 23
"""8 MiB: the contents of a stream are small, and what is alike stands close together."""
_READ_BYTES = 1 << 17
"""One block of zstd: small, so that an interrupted run notices soon."""


@dataclass(frozen=True, slots=True)
class Blob:
    """How a content is stored."""

    codec: str
    stored_bytes: int


def write_stream(
    contents: Sequence[StagedContent],
    stage: Stage,
    out: Path,
    config: PayloadConfig,
    advance: Callable[[int], None],
) -> tuple[str, int]:
    """Write all contents as one file into ``out``; returns its name and stored bytes."""
    check_compressor()
    paths = [stage.path(content.sha256) for content in contents]
    total = sum(content.size_bytes for content in contents)
    part = out / "part"
    with disk_errors(out):
        if config.codec == ZSTD:
            source = _Joined(paths, advance)
            with part.open("wb") as target:
                stored = _compress(source, target, total, config)
            if stored < total:
                name = f"{source.digest.hexdigest()[:BLOB_DIGITS]}.zst"
                part.rename(out / name)
                return name, stored
        source = _Joined(paths, advance)
        with part.open("wb") as target:
            shutil.copyfileobj(cast("BinaryIO", source), target, CHUNK_BYTES)
        name = source.digest.hexdigest()[:BLOB_DIGITS]
        part.rename(out / name)
        return name, total


class _Joined:
    """Files read as one, with a digest of all."""

    def __init__(self, paths: Sequence[Path], advance: Callable[[int], None]) -> None:
        self.digest = hashlib.sha256()
        self._chunks = self._read_all(paths)
        self._rest = b""
        self._advance = advance

    def _read_all(self, paths: Sequence[Path]) -> Iterator[bytes]:
        for path in paths:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    self.digest.update(chunk)
                    yield chunk

    def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes but at the end: how the input is cut decides where blocks end."""
        while len(self._rest) < count and (chunk := next(self._chunks, b"")):
            self._rest += chunk
        data, self._rest = self._rest[:count], self._rest[count:]
        self._advance(len(data))
        return data


def compress_all(
    contents: Iterable[StagedContent],
    stage: Stage,
    out: Path,
    config: PayloadConfig,
    *,
    processors: int,
    advance: Callable[[int], None],
) -> Mapping[str, Blob]:
    """Write each content's blob into ``out``; returns by sha256 how it is stored."""
    check_compressor()
    work = sorted({c.sha256: c for c in contents}.values(), key=lambda c: (-c.size_bytes, c.sha256))
    budget = _Budget(MEMORY_BYTES)
    blobs: dict[str, Blob] = {}

    def one(content: StagedContent) -> None:
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
    if (zstandard.__version__, zstandard.ZSTD_VERSION) != (ZSTANDARD, LIBZSTD):
        library = ".".join(map(str, zstandard.ZSTD_VERSION))
        raise ToolError(
            f"zstandard {zstandard.__version__} with libzstd {library} is installed; payloads are "
            f"packed with {ZSTANDARD} as its wheels carry it",
            hint=f"pip install --force-reinstall --only-binary=:all: zstandard=={ZSTANDARD}",
        )


def _parameters(size_bytes: int, config: PayloadConfig) -> zstandard.ZstdCompressionParameters:
    size = max(size_bytes, 1)
    usual = zstandard.ZstdCompressionParameters.from_level(config.level, source_size=size)
    stream = config.layout == STREAM
    window_log = min(usual.window_log, STREAM_WINDOW_LOG if stream else BLOB_WINDOW_LOG)
    if not stream and size > 1 << window_log:
        window_log = BLOB_WINDOW_LOG
    return zstandard.ZstdCompressionParameters.from_level(
        config.level,
        source_size=size,
        window_log=window_log,
        write_content_size=True,
        write_checksum=False,
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
    content: StagedContent,
    stage: Stage,
    out: Path,
    config: PayloadConfig,
    advance: Callable[[int], None],
) -> Blob:
    raw = stage.path(content.sha256)
    name = content.sha256[:BLOB_DIGITS]
    if config.codec == ZSTD:
        packed = out / f"{name}.zst"
        with raw.open("rb") as source, packed.open("wb") as target:
            stored = _compress(_Told(source, advance), target, content.size_bytes, config)
        if stored < content.size_bytes:
            return Blob(ZSTD, stored)
        packed.unlink()
    with raw.open("rb") as source, (out / name).open("wb") as target:
        shutil.copyfileobj(source, target, CHUNK_BYTES)
    return Blob("", content.size_bytes)


def _compress(
    source: _Told | _Joined, target: BinaryIO, size_bytes: int, config: PayloadConfig
) -> int:
    compressor = zstandard.ZstdCompressor(compression_params=_parameters(size_bytes, config))
    # Fixed read sizes: how the input is cut decides where blocks end.
    _read, written = compressor.copy_stream(
        cast("BinaryIO", source),
        target,
        size=size_bytes,
        read_size=_READ_BYTES,
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
