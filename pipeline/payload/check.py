"""Read a payload directory back and prove that it holds what its manifest says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard

from pipeline.errors import PayloadError
from pipeline.host import CHUNK_BYTES
from pipeline.model import Entry, Manifest
from pipeline.payload.manifest import FILE_NAME, ZSTD, blob_name, is_file, parse_manifest

_REMEDY = "Build the cell again."


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob of a payload directory."""

    name: str
    path: Path
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload directory that was read; blobs are sorted by name."""

    folder: Path
    manifest: Manifest
    blobs: tuple[StoredBlob, ...]


def read_payload(folder: Path) -> Payload:
    """Read the manifest and find every blob; raises ``PayloadError`` for a missing one."""
    path = folder / FILE_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError as missing:
        raise PayloadError(f"{folder} has no {FILE_NAME}", remedy=_REMEDY) from missing
    manifest = parse_manifest(data, where=str(path))
    blobs, missing_blobs = [], []
    for name in sorted({blob_name(entry) for entry in manifest.entries if is_file(entry)}):
        blob = folder / name
        if blob.is_file():
            blobs.append(StoredBlob(name, blob, blob.stat().st_size))
        else:
            missing_blobs.append(f"blob {name} is missing")
    if missing_blobs:
        raise PayloadError(f"{folder} is incomplete", faults=missing_blobs, remedy=_REMEDY)
    return Payload(folder, manifest, tuple(blobs))


def prove_payload(payload: Payload) -> None:
    """Decompress every blob and compare size and sha256; raises ``PayloadError``."""
    entries = {blob_name(entry): entry for entry in payload.manifest.entries if is_file(entry)}
    faults = []
    for blob in payload.blobs:
        entry = entries[blob.name]
        digest, size = hashlib.sha256(), 0
        try:
            for chunk in content_of(blob.path, entry):
                digest.update(chunk)
                size += len(chunk)
        except zstandard.ZstdError as fault:
            faults.append(f"{entry.name}: blob {blob.name}: {fault}")
            continue
        if (size, digest.hexdigest()) != (entry.size_bytes, entry.sha256):
            faults.append(f"{entry.name}: blob {blob.name} has other content")
    if faults:
        raise PayloadError(
            f"{payload.folder} is not what its manifest says", faults=faults, remedy=_REMEDY
        )


def content_of(blob: Path, entry: Entry) -> Iterator[bytes]:
    """The uncompressed bytes of a regular file's blob, in chunks.

    Stops one chunk past the size that the manifest promises: a blob cannot fill the memory.
    """
    seen = 0
    with blob.open("rb") as file:
        if entry.codec == ZSTD:
            reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        else:
            reader = file  # type: ignore[assignment]
        while seen <= entry.size_bytes and (chunk := reader.read(CHUNK_BYTES)):
            seen += len(chunk)
            yield chunk
