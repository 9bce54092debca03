"""Contents on their way into a payload: staged on disk under their sha256, equal ones once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.formats.forward_reader import Read
from pipeline.system.files import CHUNK_BYTES, disk_errors, scratch_dir

Write = Callable[[bytes], object]
ContentWriter = Callable[[Write], object]
"""Writes all bytes of a content to its argument."""


@dataclass(frozen=True, slots=True)
class StagedContent:
    """Staged bytes."""

    sha256: str
    size_bytes: int


class Stage:
    """A private directory of uncompressed contents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"

    def add(self, write_content: ContentWriter, *observers: Write) -> StagedContent:
        """Stage what ``write_content`` writes; each of ``observers`` sees the same bytes."""
        digest = hashlib.sha256()
        with disk_errors(self.folder), self._incoming.open("wb") as file:

            def write(data: bytes) -> None:
                for each in (digest.update, file.write, *observers):
                    each(data)

            write_content(write)
            size = file.tell()
        content = StagedContent(digest.hexdigest(), size)
        if not self.path(content.sha256).exists():  # which may be open already
            self._incoming.replace(self.path(content.sha256))
        return content

    def add_file(self, path: Path) -> StagedContent:
        """Stage a copy of a file."""
        with path.open("rb") as file:
            return self.add(copying(file.read))

    def path(self, sha256: str) -> Path:
        """Where the content with this hash is, if it was staged."""
        return self.folder / sha256


def copying(read: Read, appended: bytes = b"") -> ContentWriter:
    """Writes what ``read`` returns, and ``appended``."""

    def write_content(write: Write) -> None:
        while chunk := read(CHUNK_BYTES):
            write(chunk)
        write(appended)

    return write_content


@contextmanager
def staging(beside: Path) -> Iterator[Stage]:
    """A stage on the file system of ``beside``; it is removed afterwards."""
    with scratch_dir(beside) as scratch:
        folder = scratch / "stage"
        folder.mkdir()
        yield Stage(folder)
