"""Make a payload directory: contents are staged, compressed on all processors, and listed.

Contents come in one after the other (an archive is read forward only) and are staged on disk
under their sha256, equal ones once. Then all are compressed, the largest first, with as many at
a time as processors and ``MEMORY_BYTES`` allow. The result depends on names, contents and
``PayloadConfig`` alone.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from pipeline.errors import ToolError
from pipeline.host import CHUNK_BYTES, copy_stream, disk_errors, replace_dir, scratch_dir
from pipeline.model import Entry, Manifest, Origin, PayloadConfig
from pipeline.payload.manifest import (
    BLOB_DIGITS,
    FILE_NAME,
    ZSTD,
    dump_manifest,
    file_entry,
    make_manifest,
)

STREAM = "stream"
ZSTANDARD = "0.25.0"
"""The version of the zstandard package whose output the release is made of."""
MEMORY_BYTES = 192 << 20
"""How much compressors may hold together; level 19 takes 90 MB for a large file."""


Write = Callable[[bytes], object]
Feed = Callable[[Write], object]
"""Writes a content's bytes, all of them, to what it is given."""


MAX_WINDOW_LOG = 23
"""Whoever extracts holds a window: 8 MiB at most, whatever the level."""
_READ_BYTES = 1 << 17
"""One block of zstd: small, so that an interrupted run notices soon."""


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


@dataclass(frozen=True, slots=True)
class PackFile:
    """A regular file of a payload to be."""

    name: str
    content: Content
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """What a payload is to hold: files, entries without content, and where it all comes from."""

    files: tuple[PackFile, ...]
    others: tuple[Entry, ...]
    origin: Origin | None = None
    cell_digest: str = ""


@dataclass(frozen=True, slots=True)
class Packed:
    """A payload that was written; ``packed_bytes`` counts each blob once."""

    folder: Path
    manifest: Manifest
    packed_bytes: int


class Stage:
    """Uncompressed contents on their way into a payload, each once, in a private directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"

    def add(self, feed: Feed) -> Content:
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


@contextmanager
def staging(beside: Path) -> Iterator[Stage]:
    """A stage on the file system of ``beside``, gone afterwards."""
    with scratch_dir(beside) as scratch:
        folder = scratch / "stage"
        folder.mkdir()
        yield Stage(folder)


def pack_tree(
    stage: Stage,
    tree: Tree,
    target: Path,
    config: PayloadConfig,
    *,
    processors: int,
    advance: Callable[[int], None] = lambda _count: None,
) -> Packed:
    """Make the payload of ``tree``, whose contents are staged, at ``target``: whole or not at all.

    ``advance`` is told of bytes as they are read, from several threads; what it raises ends the
    work within a moment. Raises ``PayloadError`` for a tree that cannot be a payload.
    """
    folder = stage.folder.with_name("payload")
    folder.mkdir()
    ordered = sorted(tree.files, key=lambda file: file.name.encode(errors="surrogateescape"))
    contents = {file.content.sha256: file.content for file in ordered}
    if config.layout == STREAM:
        stream, stored = write_stream(list(contents.values()), stage, folder, config, advance)
        blobs: Mapping[str, Blob] = {}
    else:
        stream, blobs = (
            "",
            compress_all(
                contents.values(), stage, folder, config, processors=processors, advance=advance
            ),
        )
        stored = sum(blob.stored_bytes for blob in blobs.values())
    manifest = make_manifest(
        [*(_entry(file, blobs) for file in ordered), *tree.others],
        origin=tree.origin,
        cell_digest=tree.cell_digest,
        stream=stream,
    )
    with disk_errors(folder):
        (folder / FILE_NAME).write_bytes(dump_manifest(manifest))
    replace_dir(folder, target)
    return Packed(target, manifest, stored)


def _entry(file: PackFile, blobs: Mapping[str, Blob]) -> Entry:
    blob = blobs.get(file.content.sha256)
    return file_entry(
        file.name,
        executable=file.executable,
        size_bytes=file.content.size_bytes,
        sha256=file.content.sha256,
        codec=blob.codec if blob else "",
    )


def write_stream(
    contents: Sequence[Content],
    stage: Stage,
    out: Path,
    config: PayloadConfig,
    advance: Callable[[int], None],
) -> tuple[str, int]:
    """Write all contents as one file into ``out``; returns its name and stored bytes."""
    check_compressor()
    total = sum(content.size_bytes for content in contents)
    part = out / "part"
    with disk_errors(out):
        with part.open("wb") as target:
            source = _Joined([stage.path(content.sha256) for content in contents], advance)
            if config.codec == ZSTD:
                stored = _compress(source, target, total, config)
            else:
                stored = copy_stream(cast("BinaryIO", source), target)
        name = source.digest.hexdigest()[:BLOB_DIGITS] + (".zst" if config.codec == ZSTD else "")
        part.rename(out / name)
    return name, stored


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
    contents: Iterable[Content],
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
    size = max(size_bytes, 1)
    usual = zstandard.ZstdCompressionParameters.from_level(config.level, source_size=size)
    return zstandard.ZstdCompressionParameters.from_level(
        config.level,
        source_size=size,
        window_log=min(usual.window_log, MAX_WINDOW_LOG),
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
    content: Content,
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
        copy_stream(source, target)
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
