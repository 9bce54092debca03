"""Read an interpreter archive twice, forward only, and trust nothing in it.

The first reading (``scan``) lists the interpreter's tree and looks into ELF files; the second
(``contents``) hands out the bytes of the members that were asked for. Nothing is ever written
here, so what is dropped never reaches the disk.

Shapes (python-build-standalone, "Distribution Archives"): a full archive is
``python/install/**`` beside ``python/PYTHON.json``, ``python/build/**`` and
``python/licenses/*``; the others hold the tree itself as ``python/**``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from pipeline.build.model import Kind, Member
from pipeline.build.tar_reader import Item, Read, bad_member, iter_members
from pipeline.config.model import Asset
from pipeline.formats import macho
from pipeline.formats.elf import scan as elf
from pipeline.formats.elf.strip import StripPlan
from pipeline.formats.forward_reader import BinaryFormatError, ForwardReader
from pipeline.formats.payload.manifest import link_fault
from pipeline.formats.payload.model import LICENSES
from pipeline.system.errors import ArchiveError

MAX_BUILD_INFO_BYTES = 16 << 20
"""PBS's own have some 300 kB."""
_FULL_ROOT = "python/install/"
_BUILD_INFO = "python/PYTHON.json"
_TEXTS = f"python/{LICENSES}"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the first reading found.

    ``members`` are the interpreter's tree, names relative to its root. ``strips`` holds, by a
    member's ``content`` ordinal, how an ELF file loses its debug sections; ``notes`` says of the
    other binaries why they do not, or what is not known of them. ``unpacked_bytes`` counts every
    member of the archive. ``build_info`` is PYTHON.json, empty where there is none; ``texts`` are
    the licence texts beside it, by file name.
    """

    members: tuple[Member, ...]
    strips: Mapping[int, StripPlan]
    notes: Mapping[int, str]
    unpacked_bytes: int
    build_info: bytes
    texts: Mapping[str, Member]


def scan(path: Path, asset: Asset) -> Inventory:
    """List the tree of the archive at ``path``; raises ``ArchiveError`` naming a bad member."""
    findings = _Findings(asset)
    for item in iter_members(path, asset):
        findings.take(item)
    return findings.inventory()


class _Findings:
    """What the first reading has found so far."""

    def __init__(self, asset: Asset) -> None:
        self._asset = asset
        self._root = tree_root(asset.name)
        self._members: dict[str, Member] = {}
        self._strips: dict[int, StripPlan] = {}
        self._notes: dict[int, str] = {}
        self._texts: dict[str, Member] = {}
        self._build_info = b""
        self._unpacked = 0

    def take(self, item: Item) -> None:
        """Look at the next member."""
        if item.read is not None:
            self._unpacked += item.member.size_bytes
        if item.member.name.startswith(self._root):
            self._take_of_tree(item)
        elif self._root == _FULL_ROOT and item.read is not None:
            self._take_beside(item, item.read)

    def _take_beside(self, item: Item, read: Read) -> None:
        folder, name = posixpath.split(item.member.name)
        if folder == _TEXTS:
            self._texts[name] = item.member
        elif item.member.name == _BUILD_INFO:
            if item.member.size_bytes > MAX_BUILD_INFO_BYTES:
                size = item.member.size_bytes
                raise bad_member(self._asset, _BUILD_INFO, f"has {size} bytes, too many to read")
            self._build_info = _exactly(read, item.member.size_bytes)

    def _take_of_tree(self, item: Item) -> None:
        member = replace(item.member, name=item.member.name.removeprefix(self._root))
        if member.kind is Kind.LINK and (fault := link_fault(member.name, member.target)):
            raise bad_member(self._asset, item.member.name, f"is {fault}")
        if member.kind is Kind.FILE and item.read is not None:
            found = _look_into(item.read, member.size_bytes)
            member = replace(member, needed=found.needed)
            if found.strip is not None:
                self._strips[member.content] = found.strip
            if found.note:
                self._notes[member.content] = found.note
        self._members[member.name] = member

    def inventory(self) -> Inventory:
        """All of it; raises ``ArchiveError`` where there is no tree."""
        if not self._members:
            raise ArchiveError(
                f"{self._asset.name} holds nothing below {self._root}",
                hint="It is not an archive of python-build-standalone; check the source.",
            )
        return Inventory(
            _with_shared_needs(self._members.values()),
            MappingProxyType(self._strips),
            MappingProxyType(self._notes),
            self._unpacked,
            self._build_info,
            MappingProxyType(self._texts),
        )


def contents(path: Path, asset: Asset, wanted: Collection[int]) -> Iterator[tuple[int, Read]]:
    """The bytes of the members whose ordinals are ``wanted``, as (ordinal, read) in file order.

    ``read(n)`` gives at most ``n`` bytes, and none at the member's end; it is valid until the
    next step. Raises ``ArchiveError`` naming the member at which the archive breaks off.
    """
    missing = set(wanted)
    for item in iter_members(path, asset):
        if item.member.content in missing and item.read is not None:
            missing.discard(item.member.content)
            yield item.member.content, item.read
        if not missing:
            return


def tree_root(asset_name: str) -> str:
    """Where in the archive the interpreter's own root is, with a slash behind it."""
    return _FULL_ROOT if "-full.tar" in asset_name else "python/"


@dataclass(frozen=True, slots=True)
class _Binary:
    """What a binary's own headers tell."""

    needed: tuple[str, ...] = ()
    strip: StripPlan | None = None
    note: str = ""


def _look_into(read: Read, size_bytes: int) -> _Binary:
    """What an ELF or Mach-O file tells of itself; nothing, for any other file."""
    if size_bytes < len(elf.MAGIC):
        return _Binary()
    reader = ForwardReader(read, size_bytes)
    try:
        magic = reader.fetch(0, len(elf.MAGIC))
        if magic in macho.MAGICS:
            return _Binary(_base_names(macho.needed(reader)))
        if magic != elf.MAGIC:
            return _Binary()
        found = elf.scan(reader)
    except BinaryFormatError as fault:
        return _Binary(note=f"left as it is: {fault}")
    return _Binary(_base_names(found.facts.needed), found.strip, found.note)


def _base_names(libraries: Sequence[str]) -> tuple[str, ...]:
    """PBS's programs name their own by place: ``$ORIGIN/../lib/``, ``@executable_path/../lib/``."""
    return tuple(map(posixpath.basename, libraries))


def _exactly(read: Read, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := read(count - len(data))):
        data += more
    return data


def _with_shared_needs(members: Collection[Member]) -> tuple[Member, ...]:
    """Give a hard link the needs of the file whose content it shares."""
    needed = {m.content: m.needed for m in members if m.needed}
    return tuple(
        replace(m, needed=needed[m.content]) if m.content in needed else m for m in members
    )
