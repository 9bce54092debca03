"""Read an interpreter archive twice, forward only, and trust nothing in it.

The first reading (``scan``) lists the interpreter's tree and looks into ELF files; the second
(``contents``) hands out the bytes of the members that were asked for. Nothing is ever written
here, so what is dropped never reaches the disk.

Shapes (python-build-standalone, "Distribution Archives"): a full archive is
``python/install/**`` beside ``python/PYTHON.json``, ``python/build/**`` and
``python/licenses/*``; the others hold the tree itself as ``python/**``.
"""

from __future__ import annotations

import contextlib
import gzip
import posixpath
import re
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Self, cast

import zstandard

from pipeline import elf
from pipeline.errors import ArchiveError
from pipeline.model import Asset, Kind, Member
from pipeline.payload.manifest import link_fault
from pipeline.trim import parents

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
_READ_AHEAD_BYTES = 1 << 20
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")

Read = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the first reading found.

    ``members`` are the interpreter's tree, names relative to its root. ``strips`` holds, by a
    member's ``content`` ordinal, how an ELF file loses its debug sections; ``notes`` says of the
    other ELF files why they do not. ``unpacked_bytes`` counts every member of the archive.
    """

    members: tuple[Member, ...]
    strips: Mapping[int, elf.StripPlan]
    notes: Mapping[int, str]
    unpacked_bytes: int


def scan(path: Path, asset: Asset) -> Inventory:
    """List the tree of the archive at ``path``; raises ``ArchiveError`` naming a bad member."""
    root = tree_root(asset.name)
    members: dict[str, Member] = {}
    strips: dict[int, elf.StripPlan] = {}
    notes: dict[int, str] = {}
    unpacked = 0
    for item in _walk(path, asset):
        unpacked += item.member.size_bytes if item.read else 0
        if not item.member.name.startswith(root):
            continue
        member = replace(item.member, name=item.member.name.removeprefix(root))
        if member.kind is Kind.LINK and (fault := link_fault(member.name, member.target)):
            raise _bad(asset, item.member.name, f"is {fault}")
        if member.kind is Kind.FILE and item.read is not None:
            found = _look_into(item.read, member.size_bytes)
            if isinstance(found, str):
                notes[member.content] = found
            elif found is not None:
                member = replace(member, needed=found.facts.needed)
                if found.strip is not None:
                    strips[member.content] = found.strip
                else:
                    notes[member.content] = found.note
        members[member.name] = member
    if not members:
        raise ArchiveError(
            f"{asset.name} holds nothing below {root}",
            remedy="It is not an archive of python-build-standalone; check the source.",
        )
    tree = _with_shared_needs(members.values())
    return Inventory(tree, MappingProxyType(strips), MappingProxyType(notes), unpacked)


def contents(path: Path, asset: Asset, wanted: Collection[int]) -> Iterator[tuple[int, Read]]:
    """The bytes of the members whose ordinals are ``wanted``, as (ordinal, read) in file order.

    ``read(n)`` gives at most ``n`` bytes, and none at the member's end; it is valid until the
    next step. Raises ``ArchiveError`` naming the member at which the archive breaks off.
    """
    missing = set(wanted)
    for item in _walk(path, asset):
        if item.member.content in missing and item.read is not None:
            missing.discard(item.member.content)
            yield item.member.content, item.read
        if not missing:
            return


def tree_root(asset_name: str) -> str:
    """Where in the archive the interpreter's own root is, with a slash behind it."""
    return "python/install/" if "-full.tar" in asset_name else "python/"


def _look_into(read: Read, size_bytes: int) -> elf.ElfScan | str | None:
    """An ELF file's facts, or why they cannot be told; ``None`` for any other file."""
    head = _exactly(read, len(elf.MAGIC))
    if head != elf.MAGIC:
        return None

    def again(count: int) -> bytes:
        nonlocal head
        if head:
            part, head = head[:count], head[count:]
            return part
        return read(count)

    try:
        return elf.scan(again, size_bytes)
    except elf.ElfError as fault:
        return f"left as it is: {fault}"


def _exactly(read: Read, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := read(count - len(data))):
        data += more
    return data


def _with_shared_needs(members: Collection[Member]) -> tuple[Member, ...]:
    """Give a hard link the ELF needs of the file whose content it shares."""
    needed = {m.content: m.needed for m in members if m.needed}
    return tuple(
        replace(m, needed=needed[m.content]) if m.content in needed else m for m in members
    )


@dataclass(frozen=True, slots=True)
class _Item:
    member: Member
    """Named by its path in the archive."""
    read: Read | None
    """``None`` for what has no bytes of its own."""


class _StrictInfo(tarfile.TarInfo):
    """tarfile takes a broken header for the archive's end, and reads any header whole."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            info = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as fault:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):
                raise  # a block of zeros: the true end
            raise tarfile.ReadError(str(fault)) from fault
        if info.type in _EXTENDED and info.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"an extended header of {info.size} bytes")
        return info


class _Limited:
    """The uncompressed bytes of an archive, as many as its asset may unpack to."""

    def __init__(self, stream: BinaryIO, limit_bytes: int) -> None:
        self._stream = stream
        self._limit = self._left = limit_bytes

    def read(self, count: int) -> bytes:
        data = self._stream.read(count)
        self._left -= len(data)
        if self._left < 0:
            raise _TooMuchError(f"goes past {self._limit} bytes")
        return data


class _TooMuchError(Exception):
    """An archive unpacks to more than its asset's size allows."""


class _Place:
    """Where in the archive the reading is, and how a failure there is told."""

    def __init__(self, asset: Asset) -> None:
        self.asset = asset
        self.last = "its beginning"

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        try:
            yield
        except _TooMuchError as fault:
            size = self.asset.size_bytes
            raise _bad(self.asset, self.last, f"{fault}, the most that an asset of {size} bytes "
                       "may unpack to") from fault  # fmt: skip
        except _DAMAGE as fault:
            raise _bad(self.asset, self.last, f"is damaged: {fault}") from fault

    def guarded(self, read: Read) -> Read:
        """``read`` for whoever consumes a member: its failures are told in the same way."""

        def guarded_read(count: int) -> bytes:
            with self.told():
                return read(count)

        return guarded_read


def _walk(path: Path, asset: Asset) -> Iterator[_Item]:
    """Every member, checked against all that can be told without the tree's meaning."""
    limit = EXPANSION * asset.size_bytes + FLOOR_BYTES
    seen: dict[str, Member] = {}
    place = _Place(asset)
    with place.told(), _open(path, asset.name) as stream, _tar(_Limited(stream, limit)) as tar:
        for ordinal, info in enumerate(iter(tar.next, None)):
            # tarfile would keep every header; its own documentation names this attribute.
            tar.members.clear()  # type: ignore[attr-defined]
            place.last = info.name
            if info.name == ".":
                continue
            if info.size > limit or ordinal >= MAX_MEMBERS:
                raise _TooMuchError(f"goes past {limit} bytes or {MAX_MEMBERS} members")
            member = _checked(info, ordinal, seen, asset)
            seen[member.name] = member
            file = tar.extractfile(info) if info.isreg() else None
            yield _Item(member, None if file is None else place.guarded(file.read))
            place.last = f"{info.name}, or what follows it"


def _checked(info: tarfile.TarInfo, ordinal: int, seen: dict[str, Member], asset: Asset) -> Member:
    """The member that a header describes; raises ``ArchiveError`` for one that is not safe."""
    name = info.name.removeprefix("./")
    if fault := _path_fault(name):
        raise _bad(asset, info.name, fault)
    member = _member(info, name, ordinal, seen, asset)
    for parent in parents(name):
        above = seen.setdefault(parent, Member(parent, Kind.DIR))
        if above.kind is not Kind.DIR:
            raise _bad(asset, info.name, f"lies below {parent}, which is a {above.kind.value}")
    before = seen.get(name)
    if before is not None and before.kind is not member.kind:
        raise _bad(
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
            raise _bad(asset, info.name, f"is {fault}")
        return Member(name, Kind.LINK, target=info.linkname)
    if info.islnk():
        other = seen.get(info.linkname.removeprefix("./"))
        if other is None or other.kind is not Kind.FILE:
            raise _bad(
                asset, info.name, f"is a hard link to {info.linkname}, which is no file before it"
            )
        return replace(other, name=name, executable=executable)
    if info.type in {tarfile.REGTYPE, tarfile.AREGTYPE} and not info.issparse():
        if info.size < 0:
            raise _bad(asset, info.name, f"claims a size of {info.size} bytes")
        return Member(name, Kind.FILE, info.size, executable, content=ordinal)
    raise _bad(asset, info.name, "is a device, pipe or other special file")


def _path_fault(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    if posixpath.isabs(name):
        return "has an absolute path"
    if ".." in name.split("/"):
        return "has '..' in its path"
    if _UNSAFE.search(name) or any(part in {"", "."} for part in name.split("/")):
        return "has a path that is not clean"
    return ""


def _bad(asset: Asset, member: str, what: str) -> ArchiveError:
    return ArchiveError(
        f"{asset.name}: member {member} {what}",
        remedy="Nothing of the archive was used. Its sha256 is the pinned one, so it was packed "
        "like this: pin another release, or ask whoever made it.",
    )


@contextlib.contextmanager
def _open(path: Path, name: str) -> Iterator[BinaryIO]:
    """The archive's uncompressed bytes."""
    with path.open("rb") as file:
        if name.endswith(".zst"):
            decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
            with decompressor.stream_reader(file, read_size=_READ_AHEAD_BYTES) as stream:
                yield cast("BinaryIO", stream)
        else:
            with gzip.GzipFile(fileobj=file, mode="rb") as stream:
                yield cast("BinaryIO", stream)


def _tar(stream: _Limited) -> tarfile.TarFile:
    return tarfile.open(
        fileobj=cast("BinaryIO", stream),
        mode="r|",
        bufsize=_READ_AHEAD_BYTES,
        tarinfo=_StrictInfo,
        encoding="utf-8",
        errors="surrogateescape",
    )
