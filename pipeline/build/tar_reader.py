"""The members of an archive, forward only, with nothing in it trusted.

Refused are paths and links that leave the tree, a name with two kinds, devices, broken or oversized
headers, and more bytes or members than a real archive has.
"""

from __future__ import annotations

import contextlib
import gzip
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO, Self, cast

import zstandard

from pipeline.build.model import Kind, Member
from pipeline.build.trim import parents
from pipeline.config.model import Asset
from pipeline.formats.forward_reader import Read
from pipeline.formats.payload.manifest import link_fault, name_fault
from pipeline.system.errors import ArchiveError

MAX_WINDOW_BYTES = 1 << 27
"""PBS compresses with ``zstd -22``, whose window is 128 MiB."""
EXPANSION = 40
FLOOR_BYTES = 64 << 20
"""An archive may unpack to ``EXPANSION`` times its pinned size plus this; PBS's own stay at 12."""
MAX_MEMBERS = 300_000
"""PBS's own archives have some 20,000."""
MAX_HEADER_BYTES = 1 << 20
_EXTENDED = frozenset({b"x", b"g", b"X", b"L", b"K"})
"""Headers that tarfile reads into memory: PAX and GNU long names."""
_DAMAGE = (
    tarfile.TarError,
    EOFError,
    ValueError,  # tarfile's, for numbers in extended headers
    zlib.error,
    zstandard.ZstdError,
    gzip.BadGzipFile,
)
_READ_AHEAD_BYTES = 1 << 16
"""Not more: tarfile copies what is left of it at each read, and headers have 512 bytes."""


@dataclass(frozen=True, slots=True)
class Item:
    """A member and its bytes."""

    member: Member
    """Named by its path in the archive."""
    read: Read | None
    """``None`` for what has no bytes of its own."""


class _StrictInfo(tarfile.TarInfo):
    """tarfile takes a broken header for the archive's end, and reads a header of any size."""

    strict = False
    """Whether this Python's tarfile called the method that checks sizes, which is not public."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            info = super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise  # a block of zeros: the true end
        except tarfile.HeaderError as fault:
            raise tarfile.ReadError(str(fault)) from fault
        if not info.strict:
            raise RuntimeError("this Python's tarfile reads headers in another way")
        return info

    def _proc_member(self, tarfile_: tarfile.TarFile) -> Self:
        """Check the size in a header before anything is read or skipped by it."""
        if self.size < 0:
            raise tarfile.ReadError(f"{self.name} claims a size of {self.size} bytes")
        if self.type in _EXTENDED and self.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"an extended header of {self.size} bytes")
        self.strict = True
        info: Self = super()._proc_member(tarfile_)  # type: ignore[misc]
        return info


class _TooLargeError(Exception):
    """An archive unpacks to more than its asset's size allows."""


def _limited(read: Read, limit_bytes: int) -> Read:
    left = limit_bytes

    def read_limited(count: int) -> bytes:
        nonlocal left
        data = read(count)
        left -= len(data)
        if left < 0:
            raise _TooLargeError(f"goes past {limit_bytes} bytes")
        return data

    return read_limited


class _Position:
    """Where in the archive the reader is, for errors."""

    def __init__(self, asset: Asset) -> None:
        self.asset = asset
        self.member = "its beginning"

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Raise what fails here as an ``ArchiveError`` that names the member."""
        try:
            yield
        except _TooLargeError as fault:
            size = self.asset.size_bytes
            most = f"the most that an asset of {size} bytes may unpack to"
            raise bad_member(self.asset, self.member, f"{fault}, {most}") from fault
        except _DAMAGE as fault:
            raise bad_member(self.asset, self.member, f"is damaged: {fault}") from fault

    def read(self, read: Read, count: int) -> bytes:
        with self.errors():
            return read(count)


def iter_members(path: Path, asset: Asset) -> Iterator[Item]:
    """Every member, checked as far as possible without knowing the tree.

    Raises ``ArchiveError``. An item's bytes are valid until the next step.
    """
    limit = EXPANSION * asset.size_bytes + FLOOR_BYTES
    seen: dict[str, Member] = {}
    position = _Position(asset)
    with (
        position.errors(),
        _uncompressed(path, asset.name) as stream,
        _open_tar(read := _limited(stream.read, limit)) as tar,
    ):
        for ordinal, info in enumerate(iter(tar.next, None)):
            # tarfile would keep every header; its own documentation names this attribute.
            tar.members.clear()  # type: ignore[attr-defined]
            position.member = info.name
            if info.name == ".":
                continue
            if info.size > limit or ordinal >= MAX_MEMBERS:
                raise _TooLargeError(f"goes past {limit} bytes or {MAX_MEMBERS} members")
            member = _checked_member(info, ordinal, seen, asset)
            seen[member.name] = member
            file = tar.extractfile(info) if info.isreg() else None
            yield Item(member, partial(position.read, file.read) if file else None)
            position.member = f"{info.name}, or what follows it"
        # tarfile stops at the mark of the end; the checksum of the compressed data is behind it.
        while read(_READ_AHEAD_BYTES):
            continue


def _checked_member(
    info: tarfile.TarInfo, ordinal: int, seen: dict[str, Member], asset: Asset
) -> Member:
    """The member that a header describes; raises ``ArchiveError`` for one that is not safe."""
    name = info.name.removeprefix("./")
    if fault := name_fault(name):
        raise bad_member(asset, info.name, f"has an unsafe name: {fault}")
    member = _member(info, name, ordinal, seen, asset)
    for parent in parents(name):
        above = seen.setdefault(parent, Member(parent, Kind.DIR))
        if above.kind is not Kind.DIR:
            raise bad_member(
                asset, info.name, f"lies below {parent}, which is a {above.kind.value}"
            )
    before = seen.get(name)
    if before is not None and before.kind is not member.kind:
        raise bad_member(
            asset, info.name, f"was a {before.kind.value} before and is a {member.kind.value} now"
        )
    return member


def _member(
    info: tarfile.TarInfo, name: str, ordinal: int, seen: Mapping[str, Member], asset: Asset
) -> Member:
    executable = bool(info.mode & 0o111)
    if info.isdir():
        return Member(name, Kind.DIR)
    if info.issym():
        if fault := link_fault(name, info.linkname):
            raise bad_member(asset, info.name, f"is {fault}")
        return Member(name, Kind.LINK, target=info.linkname)
    if info.islnk():
        other = seen.get(info.linkname.removeprefix("./"))
        if other is None or other.kind is not Kind.FILE:
            raise bad_member(
                asset,
                info.name,
                f"is a hard link to {info.linkname}, which is not a file before it",
            )
        return replace(other, name=name, executable=executable)
    if info.type in {tarfile.REGTYPE, tarfile.AREGTYPE} and not info.issparse():
        if info.size < 0:
            raise bad_member(asset, info.name, f"claims a size of {info.size} bytes")
        return Member(name, Kind.FILE, info.size, executable, content=ordinal)
    raise bad_member(asset, info.name, "is a device, pipe or other special file")


def bad_member(asset: Asset, member: str, what: str) -> ArchiveError:
    """The error for a member."""
    return ArchiveError(
        f"{asset.name}: member {member} {what}",
        hint="Nothing of the archive was used. Its sha256 is the pinned one, so it was packed like "
        "this: pin another release, or report it to the publisher.",
    )


@contextlib.contextmanager
def _uncompressed(path: Path, name: str) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        if name.endswith(".zst"):
            decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
            with decompressor.stream_reader(file, read_size=_READ_AHEAD_BYTES) as stream:
                yield cast("BinaryIO", stream)
        else:
            with gzip.GzipFile(fileobj=file, mode="rb") as stream:
                yield cast("BinaryIO", stream)


def _open_tar(read: Read) -> tarfile.TarFile:
    return tarfile.open(
        fileobj=cast("BinaryIO", SimpleNamespace(read=read)),
        mode="r|",
        bufsize=_READ_AHEAD_BYTES,
        tarinfo=_StrictInfo,
        encoding="utf-8",
        errors="surrogateescape",
    )
