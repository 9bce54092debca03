"""``files.json``: its text, its content hash, and the rules that its entries keep.

``contentHash`` is the sha256 over all entries in order, each as
``name NUL perm NUL size NUL sha256 NUL symlink LF`` (numbers in decimal; size 0 and an empty
sha256 for what is not a regular file). It does not cover how blobs are stored: equal trees have
equal hashes.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from pipeline.formats.payload.model import (
    Entry,
    Manifest,
    PayloadMetadata,
    metadata_fields,
    read_fields,
)
from pipeline.system.errors import PayloadError
from pipeline.system.validation import validation_faults

FORMAT = 1
FILE_NAME = "files.json"
ZSTD = "zstd"

MODE_DIR = 1 << 31
"""Go's ``fs.ModeDir``."""
MODE_LINK = 1 << 27
"""Go's ``fs.ModeSymlink``."""

_STREAM_NAME = re.compile(r"[0-9a-f]{32}(\.zst)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")


def dir_entry(name: str) -> Entry:
    """A folder, 0755."""
    return Entry(name, MODE_DIR | 0o755)


def link_entry(name: str, target: str) -> Entry:
    """A symbolic link; ``target`` is relative to the link's folder."""
    return Entry(name, MODE_LINK | 0o777, target=target)


def file_entry(name: str, *, executable: bool, size_bytes: int, sha256: str, codec: str) -> Entry:
    """A regular file, 0755 or 0644: an extracted tree has no other permissions."""
    return Entry(name, 0o755 if executable else 0o644, size_bytes, sha256, codec)


def is_dir(entry: Entry) -> bool:
    """Whether the entry is a folder."""
    return bool(entry.perm & MODE_DIR)


def is_link(entry: Entry) -> bool:
    """Whether the entry is a symbolic link."""
    return bool(entry.perm & MODE_LINK)


def is_file(entry: Entry) -> bool:
    """Whether the entry is a regular file."""
    return not is_dir(entry) and not is_link(entry)


def blob_name(entry: Entry) -> str:
    """The file that holds a regular file's content, beside the manifest or in ``common/``."""
    return stored_name(entry.sha256, entry.codec)


def stored_name(sha256: str, codec: str) -> str:
    """The file name of a blob or stream, by the sha256 of its uncompressed content."""
    return sha256[:32] + (".zst" if codec == ZSTD else "")


def content_hash(entries: Iterable[Entry]) -> str:
    """The hash of the tree; ``entries`` must be sorted."""
    digest = hashlib.sha256()
    for entry in entries:
        fields = (entry.name, str(entry.perm), str(entry.size_bytes), entry.sha256, entry.target)
        digest.update(("\0".join(fields) + "\n").encode())
    return digest.hexdigest()


def make_manifest(
    entries: Iterable[Entry],
    about: PayloadMetadata | None = None,
    *,
    stream: str = "",
) -> Manifest:
    """Sort and hash ``entries``; raises a ``PayloadError`` that lists every invalid entry."""
    ordered = tuple(sorted(entries, key=_sort_key))
    if faults := list(entry_faults(ordered)):
        raise PayloadError(
            "this tree cannot be a payload",
            details=faults,
            hint="Rename these files, or drop them in [trim].",
        )
    return Manifest(content_hash(ordered), ordered, about or PayloadMetadata(), stream)


def distinct_files(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The first entry of each distinct content, in the order of a stream."""
    seen = set()
    for entry in entries:
        if is_file(entry) and entry.sha256 not in seen:
            seen.add(entry.sha256)
            yield entry


def content_bytes(entries: Iterable[Entry]) -> int:
    """The size of all distinct contents, uncompressed."""
    return sum(entry.size_bytes for entry in distinct_files(entries))


def entry_faults(entries: Sequence[Entry]) -> Iterator[str]:
    """What is wrong with the entries, one sentence each; they must be sorted by name."""
    known = {entry.name: entry for entry in entries}
    for previous, entry in zip([None, *entries], entries, strict=False):
        if previous is not None and _sort_key(entry) <= _sort_key(previous):
            yield f"{entry.name!r} is a duplicate or out of order"
        if fault := name_fault(entry.name):
            yield f"{entry.name!r}: {fault}"
        parent = known.get(posixpath.dirname(entry.name))
        if "/" in entry.name and (parent is None or not is_dir(parent)):
            yield f"{entry.name!r}: the manifest lacks its folder"
        yield from _kind_faults(entry)


def _sort_key(entry: Entry) -> bytes:
    return entry.name.encode(errors="surrogateescape")


def name_fault(name: str) -> str:
    """Why a name is refused, or ``""``."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "not valid UTF-8"
    if _CONTROL.search(name):
        return "a backslash or control character"
    if posixpath.isabs(name) or any(part in {"", ".", ".."} for part in name.split("/")):
        return "not a clean relative path"
    return ""


def _kind_faults(entry: Entry) -> Iterator[str]:
    if is_link(entry):
        if fault := link_fault(entry.name, entry.target):
            yield f"{entry.name!r}: {fault}"
    elif entry.target:
        yield f"{entry.name!r}: a target, but not a link"
    if is_file(entry):
        if not _SHA256.fullmatch(entry.sha256) or entry.size_bytes < 0:
            yield f"{entry.name!r}: a regular file without size and sha256"
        if entry.codec not in {"", ZSTD}:
            yield f"{entry.name!r}: unknown codec {entry.codec!r}"
        if stat.S_IMODE(entry.perm) != entry.perm:
            yield f"{entry.name!r}: neither file, folder nor link (perm {entry.perm})"


def link_fault(name: str, target: str) -> str:
    """Why a link from ``name`` to ``target`` is refused, or ``""``."""
    if not target or posixpath.isabs(target) or _CONTROL.search(target):
        return f"a link to {target!r}, which is not a relative path"
    steps = target.rstrip("/").split("/")
    down = [number for number, step in enumerate(steps) if step != ".."]
    if down and ".." in steps[down[0] :]:
        # After another link ".." is the parent of what that link points to.
        return f"a link to {target!r}, which goes up again after it went down"
    resolved = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    if resolved == ".." or resolved.startswith("../"):
        return f"a link to {target!r}, which leaves the tree"
    return ""


def dump_manifest(manifest: Manifest) -> bytes:
    """The text of ``files.json``: one entry a line, for readable diffs."""
    head: dict[str, Any] = {"format": FORMAT, "contentHash": manifest.content_hash}
    head |= metadata_fields(manifest.about)
    if manifest.stream:
        head["stream"] = manifest.stream
    rows = [f"{_compact(key)}: {_compact(value)},\n" for key, value in head.items()]
    files = ",\n".join(_compact(_entry_fields(entry)) for entry in manifest.entries)
    return ("{\n" + "".join(rows) + '"files": [\n' + files + "\n]\n}\n").encode()


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _entry_fields(entry: Entry) -> dict[str, str | int]:
    fields: dict[str, str | int] = {"name": entry.name, "perm": entry.perm}
    if is_link(entry):
        fields["symlink"] = entry.target
    elif is_file(entry):
        fields |= {"size": entry.size_bytes, "sha256": entry.sha256}
        if entry.codec:
            fields["codec"] = entry.codec
    return fields


def parse_manifest(data: bytes, *, where: str = FILE_NAME) -> Manifest:
    """Read the manifest; raises ``PayloadError`` for invalid entries or a wrong ``contentHash``."""
    hint = "Rebuild the payload."
    try:
        found = json.loads(data)["format"]
    except (KeyError, TypeError, ValueError, RecursionError) as fault:
        raise PayloadError(f"{where} is not a manifest: {fault!r}", hint=hint) from fault
    if found != FORMAT:
        raise PayloadError(
            f"{where} has format {found!r}, and this goempy reads format {FORMAT}",
            hint="Use the goempy that wrote it, or rebuild the payload.",
        )
    try:
        manifest = read_fields(data)
    except ValidationError as fault:
        details = validation_faults(fault)
        raise PayloadError(f"{where} is not a manifest", details=details, hint=hint) from fault
    faults = list(entry_faults(manifest.entries))
    if manifest.stream and not _STREAM_NAME.fullmatch(manifest.stream):
        faults.append(f"{manifest.stream!r} is not the name of a stream")
    if manifest.stream and any(entry.codec for entry in manifest.entries):
        faults.append("a file of a stream has a codec")
    if content_hash(manifest.entries) != manifest.content_hash:
        faults.append("contentHash does not match the entries")
    if faults:
        raise PayloadError(f"{where} is invalid", details=faults, hint=hint)
    return manifest
