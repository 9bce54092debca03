"""Compressed blobs of earlier runs, by content and by everything that decides their bytes.

An entry is a blob as a payload ships it, named ``<key>-<sha256 of the blob>.zst`` (32 hex digits
each). Its own hash shows damage; that it holds the content is proven by decompressing it, so
a program that can write to the folder cannot change what a payload unpacks to.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from pipeline.formats.payload.reader import holds_content
from pipeline.system.files import disk_errors, write_atomically

LIMIT_BYTES = 2 << 30
"""Of all entries: those of the lines of ``matrix.toml`` take half of it."""
_DIGITS = 32


class BlobCache:
    """The entries in ``folder``, which is made if need be.

    Safe to use from several threads and processes: entries appear whole, and are found as they were
    when this was made. ``warn`` gets one sentence for each damaged entry.
    """

    def __init__(
        self, folder: Path, warn: Callable[[str], None], limit_bytes: int = LIMIT_BYTES
    ) -> None:
        self._folder = folder
        self._warn = warn
        self._limit_bytes = limit_bytes
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._entries = {path.name[:_DIGITS]: path for path in folder.glob("*-*.zst")}

    def find(self, key: str, sha256: str, size_bytes: int) -> bytes | None:
        """The blob of a content with this hash and size; an entry that is not it is removed."""
        path = self._entries.get(key[:_DIGITS])
        if path is None:
            return None
        try:
            blob = path.read_bytes()
            if path == self._path(key, blob) and holds_content(blob, sha256, size_bytes):
                os.utime(path)
                return blob
        except FileNotFoundError:  # another process made room
            return None
        self._warn(f"{path} is damaged; compressing its content again")
        path.unlink(missing_ok=True)
        return None

    def add(self, key: str, blob: bytes) -> None:
        """Keep a blob that was made."""
        write_atomically(self._path(key, blob), blob)

    def prune(self) -> None:
        """Remove what was not used for the longest time, as far as all is over the limit."""
        total, entries = 0, []
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process makes room too
                stat = path.stat()
                entries.append((stat.st_mtime_ns, stat.st_size, path))
                total += stat.st_size
        for _used, size_bytes, path in sorted(entries):
            if total <= self._limit_bytes:
                return
            with contextlib.suppress(OSError):  # on Windows another process may be reading it
                path.unlink()
            total -= size_bytes

    def _path(self, key: str, blob: bytes) -> Path:
        proof = hashlib.sha256(blob).hexdigest()
        return self._folder / f"{key[:_DIGITS]}-{proof[:_DIGITS]}.zst"
