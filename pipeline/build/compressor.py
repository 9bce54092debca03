"""What is compressed when: equal contents once a run, the largest first.

As many at a time as processors and memory allow.
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.build.blob_cache import BlobCache
from pipeline.build.compress import (
    Advance,
    Blob,
    JoinedFiles,
    blob_key,
    check_compressor,
    compress,
    compressor_bytes,
    ignore,
)
from pipeline.build.frames import STREAM
from pipeline.build.staging import Stage, StagedContent
from pipeline.config.model import PayloadConfig
from pipeline.formats.payload.manifest import ZSTD, stored_name
from pipeline.system.console import StoppedError
from pipeline.system.files import CHUNK_BYTES, disk_errors, scratch_dir

_PROCESSOR_BYTES = 80 << 20
"""Memory of compressors for each processor: two frames of a large file, at level 19."""
_LARGE_BYTES = 1 << 20
"""Licence texts are smaller, so a content of this size always ships."""


@dataclass(order=True, slots=True)
class _Task:
    """A content to compress: ``paths`` read as one. The largest is the least, and so the first."""

    rank: tuple[int, str]
    key: str = field(compare=False)
    content: StagedContent = field(compare=False)
    paths: Sequence[Path] = field(compare=False)
    config: PayloadConfig = field(compare=False)
    result: Future[Blob] = field(compare=False, default_factory=Future)
    done_bytes: int = field(compare=False, default=0)
    listeners: list[Advance] = field(compare=False, default_factory=list)
    lock: threading.Lock = field(compare=False, default_factory=threading.Lock)

    def listen(self, advance: Advance) -> None:
        """Call ``advance`` with what was read so far, and with each further count."""
        with self.lock:
            self.listeners.append(advance)
            advance(self.done_bytes)

    def advance(self, count: int) -> None:
        with self.lock:
            self.done_bytes += count
            for listener in self.listeners:
                listener(count)


class Compressor:
    """Compresses for all cells of a run: equal contents once, the largest of those that wait first.

    As many at a time as ``processors`` and their memory allow. ``cache`` has blobs of earlier runs;
    those of this one are in the private folder ``scratch``.
    """

    def __init__(self, processors: int, scratch: Path, cache: BlobCache | None) -> None:
        self._scratch = scratch
        self._cache = cache
        self._budget = _Budget(processors * _PROCESSOR_BYTES)
        self._pool = ThreadPoolExecutor(processors)
        self._tasks: dict[str, _Task] = {}
        self._waiting: list[_Task] = []
        self._lock = threading.Lock()
        self._stopped = False

    def start(self, content: StagedContent, paths: Sequence[Path], config: PayloadConfig) -> _Task:
        """Compress what ``paths`` hold, one after the other, unless it was or is already."""
        key = blob_key(content, config)
        with self._lock:
            task = self._tasks.get(key)
            if task is None:
                rank = (-content.size_bytes, content.sha256)
                task = self._tasks[key] = _Task(rank, key, content, paths, config)
                heapq.heappush(self._waiting, task)
                self._pool.submit(self._run_largest)
        return task

    def close(self, *, stop: bool) -> None:
        """Wait for what was started; with ``stop`` it ends promptly, by ``StoppedError``."""
        self._stopped = stop
        self._pool.shutdown()
        if self._cache is not None:
            self._cache.prune()

    def _run_largest(self) -> None:
        with self._lock:
            task = heapq.heappop(self._waiting)
        try:
            task.result.set_result(self._blob(task))
        except BaseException as fault:  # noqa: BLE001 - raised where the result is awaited
            task.result.set_exception(fault)

    def _blob(self, task: _Task) -> Blob:
        def advance(count: int) -> None:
            if self._stopped:
                raise StoppedError
            task.advance(count)

        path, size_bytes = self._scratch / task.key, task.content.size_bytes
        with disk_errors(self._scratch):
            found = self._cache and self._cache.find(task.key, task.content.sha256, size_bytes)
            if found:
                path.write_bytes(found)
                advance(size_bytes)
                return Blob(ZSTD, len(found), path)
            with self._budget.hold(compressor_bytes(size_bytes, task.config)):
                blob = compress(task.paths, size_bytes, path, task.config, advance)
        if self._cache and blob.codec == ZSTD:
            self._cache.add(task.key, path.read_bytes())
        return blob


@contextlib.contextmanager
def compressing(
    beside: Path, processors: int, cache: BlobCache | None = None
) -> Iterator[Compressor]:
    """A compressor with a scratch directory in ``beside``; an exception stops it."""
    check_compressor()
    with scratch_dir(beside) as scratch:
        compressor = Compressor(processors, scratch, cache)
        try:
            yield compressor
        except BaseException:
            compressor.close(stop=True)
            raise
        compressor.close(stop=False)


def write_stream(
    contents: Sequence[StagedContent],
    stage: Stage,
    out: Path,
    config: PayloadConfig,
    compressor: Compressor,
    advance: Advance,
) -> tuple[str, int]:
    """Write all contents as one file into ``out``; returns its name and stored bytes."""
    paths = [stage.path(content.sha256) for content in contents]
    size_bytes = sum(content.size_bytes for content in contents)
    digest = hashlib.sha256()
    joined = JoinedFiles(paths, size_bytes, ignore)
    while chunk := joined.read(CHUNK_BYTES):
        digest.update(chunk)
    whole = StagedContent(digest.hexdigest(), size_bytes)
    task = compressor.start(whole, paths, config)
    task.listen(advance)
    name, blob = _collect(task, out)
    return name, blob.stored_bytes


def compress_all(
    contents: Iterable[StagedContent],
    stage: Stage,
    out: Path,
    config: PayloadConfig,
    compressor: Compressor,
    advance: Advance,
) -> dict[str, Blob]:
    """Write each content's blob into ``out``; returns by sha256 how it is stored."""
    tasks = [compressor.start(each, [stage.path(each.sha256)], config) for each in contents]
    for task in tasks:
        task.listen(advance)
    return {task.content.sha256: _collect(task, out)[1] for task in tasks}


def start_early(
    content: StagedContent, stage: Stage, config: PayloadConfig, compressor: Compressor
) -> None:
    """Start with a large content while others are still staged.

    The largest often takes as long as all others together.
    """
    if content.size_bytes >= _LARGE_BYTES and config.layout != STREAM:
        compressor.start(content, [stage.path(content.sha256)], config)


def _collect(task: _Task, out: Path) -> tuple[str, Blob]:
    """Copy the blob into ``out``, where others may not have it; returns its name there."""
    blob = task.result.result()
    name = stored_name(task.content.sha256, blob.codec)
    with disk_errors(out):
        shutil.copyfile(blob.path, out / name)
    return name, blob


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
