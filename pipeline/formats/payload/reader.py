"""Read a payload, from a directory or a git commit, and verify it against its manifest."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard

from pipeline.formats.forward_reader import Read
from pipeline.formats.payload.manifest import (
    FILE_NAME,
    blob_name,
    distinct_files,
    is_file,
    parse_manifest,
)
from pipeline.formats.payload.model import Entry, Manifest
from pipeline.system.errors import PayloadError
from pipeline.system.files import CHUNK_BYTES

_HINT = "Rebuild the cell."


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob of a payload: the file at ``path``, or the git blob ``object_id``."""

    name: str
    path: Path | None
    stored_bytes: int
    object_id: str = ""


def _no_repository(object_id: str) -> bytes:
    raise LookupError(f"there is no repository to read git blob {object_id} from")


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload; blobs are sorted by name.

    Where the blobs are in git, ``folder`` is for messages (``v0.1.0:python/internal/data/…``) and
    ``read_object`` returns the bytes of a git blob by its id.
    """

    folder: Path
    manifest: Manifest
    blobs: tuple[StoredBlob, ...]
    read_object: Callable[[str], bytes] = _no_repository


def read_payload(folder: Path) -> Payload:
    """Read the manifest and find every blob; raises ``PayloadError`` for a missing one."""
    path = folder / FILE_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError as missing:
        raise PayloadError(f"{folder} has no {FILE_NAME}", hint=_HINT) from missing
    manifest = parse_manifest(data, where=str(path))
    paths = [folder / name for name in blob_names(manifest)]
    if missing_blobs := [f"blob {path.name} is missing" for path in paths if not path.is_file()]:
        raise PayloadError(f"{folder} is incomplete", details=missing_blobs, hint=_HINT)
    blobs = tuple(StoredBlob(path.name, path, path.stat().st_size) for path in paths)
    return Payload(folder, manifest, blobs)


def blob_names(manifest: Manifest) -> list[str]:
    """The blobs that a payload has, sorted."""
    names = {blob_name(entry) for entry in manifest.entries if is_file(entry)}
    return sorted([manifest.stream] if manifest.stream else names)


def verify_payload(payload: Payload) -> None:
    """Decompress everything and compare size and sha256; raises ``PayloadError``."""
    faults = []
    try:
        for entry, chunks in contents_of(payload):
            if not _is_content(chunks, entry.sha256, entry.size_bytes):
                faults.append(f"{entry.name}: its blob has different content")
    except TrailingDataError as fault:
        faults.append(str(fault))
    if faults:
        raise PayloadError(
            f"{payload.folder} does not match its manifest", details=faults, hint=_HINT
        )


def holds_content(blob: bytes, sha256: str, size_bytes: int) -> bool:
    """Whether the compressed ``blob`` decompresses to the content with this hash and size."""
    stored = StoredBlob(f"{sha256}.zst", None, len(blob))
    with _opened(stored, lambda _object_id: blob) as read:
        return _is_content(_at_most(read, size_bytes + 1), sha256, size_bytes)


def _is_content(chunks: Iterator[bytes], sha256: str, size_bytes: int) -> bool:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return (size, digest.hexdigest()) == (size_bytes, sha256)


class TrailingDataError(Exception):
    """A stream continues after its last content."""


def contents_of(payload: Payload) -> Iterator[tuple[Entry, Iterator[bytes]]]:
    """Each distinct content once, in the manifest's order, as chunks to be read before the next.

    A damaged blob ends early or late; at most one chunk is read past the size in the manifest.
    Raises ``TrailingDataError`` after the last content of a stream.
    """
    entries = distinct_files(payload.manifest.entries)
    blobs = {blob.name: blob for blob in payload.blobs}
    if not payload.manifest.stream:
        for entry in entries:
            with _opened(blobs[blob_name(entry)], payload.read_object) as read:
                # One byte more detects a blob that is too long.
                yield entry, _at_most(read, entry.size_bytes + 1)
        return
    with _opened(blobs[payload.manifest.stream], payload.read_object) as read:
        for entry in entries:
            yield entry, _at_most(read, entry.size_bytes)
        if read(1):
            raise TrailingDataError(f"{payload.manifest.stream}: data after the last content")


@contextmanager
def _opened(blob: StoredBlob, read_object: Callable[[str], bytes]) -> Iterator[Read]:
    """The uncompressed bytes of a blob, up to where it is damaged."""
    with _stored(blob, read_object) as file:
        if not blob.name.endswith(".zst"):
            yield file.read
            return
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)

        def read(count: int) -> bytes:
            try:
                return reader.read(count)
            except zstandard.ZstdError:
                return b""

        yield read


def _stored(blob: StoredBlob, read_object: Callable[[str], bytes]) -> BinaryIO:
    return blob.path.open("rb") if blob.path else io.BytesIO(read_object(blob.object_id))


def _at_most(read: Read, count: int) -> Iterator[bytes]:
    while count and (chunk := read(min(count, CHUNK_BYTES))):
        count -= len(chunk)
        yield chunk
