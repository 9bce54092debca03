"""Store staged contents: one blob each, or all in one stream.

The largest blobs are compressed first, as many at a time as processors and ``MEMORY_BYTES``
allow. The bytes depend on the contents and ``PayloadConfig`` alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from pipeline.build.frames import BLOB_WINDOW_LOG, STREAM, STREAM_WINDOW_LOG, Part, frame_sizes
from pipeline.build.staging import Stage, StagedContent
from pipeline.config.model import PayloadConfig
from pipeline.formats.payload.manifest import ZSTD, stored_name
from pipeline.system.errors import ToolError
from pipeline.system.files import CHUNK_BYTES, disk_errors

ZSTANDARD = "0.25.0"
"""The version of the zstandard package; others may compress to other bytes."""
LIBZSTD = (1, 5, 7)
"""The library in its wheels; the package can be built against another."""
MEMORY_BYTES = 192 << 20
"""Of all compressors together; level 19 takes 100 MB for a large file."""
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
    with disk_errors(out):
        sha256, blob = _write(paths, out / "part", config, advance)
        name = stored_name(sha256, blob.codec)
        (out / "part").rename(out / name)
    return name, blob.stored_bytes


def compress_all(
    contents: Iterable[StagedContent],
    stage: Stage,
    out: Path,
    config: PayloadConfig,
    *,
    processors: int,
    advance: Callable[[int], None],
) -> dict[str, Blob]:
    """Write each content's blob into ``out``; returns by sha256 how it is stored."""
    check_compressor()
    work = sorted({c.sha256: c for c in contents}.values(), key=lambda c: (-c.size_bytes, c.sha256))
    budget = _Budget(MEMORY_BYTES)
    blobs: dict[str, Blob] = {}

    def compress_one(content: StagedContent) -> None:
        with budget.hold(_compressor_bytes(content.size_bytes, config)):
            part = out / f"{content.sha256}.part"
            sha256, blob = _write([stage.path(content.sha256)], part, config, advance)
            part.rename(out / stored_name(sha256, blob.codec))
            blobs[sha256] = blob

    with disk_errors(out), ThreadPoolExecutor(max_workers=processors) as pool:
        futures = [pool.submit(compress_one, content) for content in work]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return blobs


class _JoinedFiles:
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
        # One byte more is looked for, so that the last read closes the last file.
        while len(self._rest) <= count and (chunk := next(self._chunks, b"")):
            self._rest += chunk
        data, self._rest = self._rest[:count], self._rest[count:]
        self._advance(len(data))
        return data


def _write(
    paths: Sequence[Path], out: Path, config: PayloadConfig, advance: Callable[[int], None]
) -> tuple[str, Blob]:
    """Write files as one to ``out``: compressed, or raw where that is not larger.

    Returns the sha256 of the uncompressed content.
    """
    size_bytes = sum(path.stat().st_size for path in paths)
    source = _JoinedFiles(paths, advance)
    if config.codec == ZSTD:
        with out.open("wb") as target:
            stored = sum(
                _write_frame(source, size, target, config)
                for size in frame_sizes(size_bytes, config.layout)
            )
        if stored < size_bytes:
            return source.digest.hexdigest(), Blob(ZSTD, stored)
        source = _JoinedFiles(paths, lambda _count: None)
    with out.open("wb") as target:
        shutil.copyfileobj(cast("BinaryIO", source), target, CHUNK_BYTES)
    return source.digest.hexdigest(), Blob("", size_bytes)


def _write_frame(
    source: _JoinedFiles, size_bytes: int, target: BinaryIO, config: PayloadConfig
) -> int:
    """Compress the next bytes of ``source``; returns how many they are then."""
    compressor = zstandard.ZstdCompressor(compression_params=_parameters(size_bytes, config))
    # Fixed read sizes: how the input is cut decides where blocks end.
    _read, stored = compressor.copy_stream(
        cast("BinaryIO", Part(source, size_bytes)),
        target,
        size=size_bytes,
        read_size=_READ_BYTES,
        write_size=CHUNK_BYTES,
    )
    return stored


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


class _Budget:
    """A semaphore that counts bytes. What exceeds the limit by itself runs alone."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held = 0
        self._freed = threading.Condition()

    @contextlib.contextmanager
    def hold(self, count: int) -> Iterator[None]:
        count = min(count, self._limit)
        with self._freed:
            self._freed.wait_for(lambda: self._held + count <= self._limit)
            self._held += count
        try:
            yield
        finally:
            with self._freed:
                self._held -= count
                self._freed.notify_all()
