"""Compress a content to a blob. Its bytes depend on the content and ``PayloadConfig`` alone."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from pipeline.build.frames import BLOB_WINDOW_LOG, STREAM, STREAM_WINDOW_LOG, frame_sizes
from pipeline.build.staging import StagedContent
from pipeline.config.model import PayloadConfig
from pipeline.formats.payload.manifest import ZSTD
from pipeline.system.errors import ToolError
from pipeline.system.files import CHUNK_BYTES

ZSTANDARD = "0.25.0"
"""The version of the zstandard package; others may compress to other bytes."""
LIBZSTD = (1, 5, 7)
"""The library in its wheels; the package can be built against another."""
_READ_BYTES = 1 << 17
"""One block of zstd: small, so that an interrupted run notices soon."""
_FRAMES_AT_ONCE = 2
"""Of one content: the memory of more would be all that a run may take."""
_BLOB_CHAIN_LOG, _BLOB_HASH_LOG = 22, 20
"""Of zstd's tables, which take 20 MB then: at level 19 they take 80 MB for a frame of a large file,
and make it 0.3 % smaller."""
_DECIDING = (
    "window_log", "chain_log", "hash_log", "search_log", "min_match", "target_length", "strategy",
)  # fmt: skip
"""zstd's parameters that differ between contents."""
Advance = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Blob:
    """How a content is stored, and in which file of the run."""

    codec: str
    stored_bytes: int
    path: Path


def compress(
    paths: Sequence[Path], size_bytes: int, out: Path, config: PayloadConfig, advance: Advance
) -> Blob:
    """Write what ``paths`` hold, one after the other, to ``out``.

    It is stored uncompressed if that is not larger. ``advance`` is called with counts of bytes
    read, from several threads; what it raises ends the work.
    """
    if config.codec == ZSTD:
        stored = _write_frames(paths, size_bytes, out, config, advance)
        if stored < size_bytes:
            return Blob(ZSTD, stored, out)
        advance = ignore
    with out.open("wb") as target:
        source = JoinedFiles(paths, size_bytes, advance)
        shutil.copyfileobj(cast("BinaryIO", source), target, CHUNK_BYTES)
    return Blob("", size_bytes, out)


def ignore(_count: int) -> None:
    """An ``Advance`` for what is read again."""


def _write_frames(
    paths: Sequence[Path], size_bytes: int, out: Path, config: PayloadConfig, advance: Advance
) -> int:
    """Write each frame beside ``out``, several at a time, and join them; returns their size."""
    sizes = frame_sizes(size_bytes, config.layout)
    parts = [out.with_name(f"{out.name}.{number}") for number in range(len(sizes))]

    def write_part(number: int) -> int:
        source = JoinedFiles(paths, sizes[number], advance, skipped=sum(sizes[:number]))
        with parts[number].open("wb") as target:
            return _write_frame(source, sizes[number], target, config)

    if len(sizes) == 1:
        stored = write_part(0)
    else:
        with ThreadPoolExecutor(_FRAMES_AT_ONCE) as pool:
            stored = sum(pool.map(write_part, range(len(sizes))))
        with parts[0].open("ab") as first:
            for part in parts[1:]:
                first.write(part.read_bytes())
    parts[0].replace(out)
    return stored


class JoinedFiles:
    """Files read as one: ``size_bytes`` of them, after the first ``skipped`` bytes of the first."""

    def __init__(
        self, paths: Sequence[Path], size_bytes: int, advance: Advance, *, skipped: int = 0
    ) -> None:
        self._chunks = self._read_all(paths, skipped)
        self._rest = b""
        self._left = size_bytes
        self._advance = advance

    def _read_all(self, paths: Sequence[Path], skipped: int) -> Iterator[bytes]:
        for number, path in enumerate(paths):
            with path.open("rb") as file:
                file.seek(0 if number else skipped)
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk

    def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes but at the end: how the input is cut decides where blocks end."""
        count = min(count, self._left)
        # One byte more is looked for, so that the last read closes the last file.
        while len(self._rest) <= count and (chunk := next(self._chunks, b"")):
            self._rest += chunk
        data, self._rest = self._rest[:count], self._rest[count:]
        self._left -= len(data)
        self._advance(len(data))
        return data


def _write_frame(
    source: JoinedFiles, size_bytes: int, target: BinaryIO, config: PayloadConfig
) -> int:
    """Compress the next bytes of ``source``; returns how many they are then."""
    compressor = zstandard.ZstdCompressor(compression_params=_parameters(size_bytes, config))
    # Fixed read sizes: how the input is cut decides where blocks end.
    _read, stored = compressor.copy_stream(
        cast("BinaryIO", source),
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
        chain_log=usual.chain_log if stream else min(usual.chain_log, _BLOB_CHAIN_LOG),
        hash_log=usual.hash_log if stream else min(usual.hash_log, _BLOB_HASH_LOG),
        write_content_size=True,
        write_checksum=False,
    )


def blob_key(content: StagedContent, config: PayloadConfig) -> str:
    """The sha256 of all that decides the bytes of a blob."""
    how: list[object] = [config.codec]
    if config.codec == ZSTD:
        frames = frame_sizes(content.size_bytes, config.layout)
        chosen = _parameters(frames[0], config)
        how += [ZSTANDARD, LIBZSTD, _READ_BYTES, config.level, frames]
        how += [getattr(chosen, name) for name in _DECIDING]
    return hashlib.sha256(repr((content.sha256, how)).encode()).hexdigest()


def compressor_bytes(size_bytes: int, config: PayloadConfig) -> int:
    """The memory that compressing a content takes."""
    if config.codec != ZSTD:
        return CHUNK_BYTES
    frames = frame_sizes(size_bytes, config.layout)
    chosen = _parameters(frames[0], config)
    window_bytes = 1 << chosen.window_log
    one = chosen.estimated_compression_context_size() + window_bytes + CHUNK_BYTES
    return one * min(len(frames), _FRAMES_AT_ONCE)
