"""Contents on their way into a payload: staged on disk under their sha256, equal ones once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.system.files import disk_errors, scratch_dir

Write = Callable[[bytes], object]
ContentWriter = Callable[[Write], object]
"""Writes a content's bytes, all of them, to what it is given."""


@dataclass(frozen=True, slots=True)
class StagedContent:
    """Staged bytes."""

    sha256: str
    size_bytes: int


class Stage:
    """Uncompressed contents on their way into a payload, each once, in a private directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"

    def add(self, feed: ContentWriter) -> StagedContent:
        """Stage what ``feed(write)`` writes."""
        digest, size = hashlib.sha256(), 0

        with disk_errors(self.folder), self._incoming.open("wb") as file:

            def write(data: bytes) -> None:
                nonlocal size
                digest.update(data)
                size += len(data)
                file.write(data)

            feed(write)
        content = StagedContent(digest.hexdigest(), size)
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
