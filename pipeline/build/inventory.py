"""Read an interpreter archive twice, forward only, and trust nothing in it.

The first reading (``scan``) lists the interpreter's tree and looks into binaries; the second
(``contents``) yields the bytes of chosen members. Nothing is written here, so what is dropped
never reaches the disk.

Layouts (python-build-standalone, "Distribution Archives"): a full archive is
``python/install/**`` beside ``python/PYTHON.json``, ``python/build/**`` and
``python/licenses/*``; the others hold the tree itself as ``python/**``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.build.model import Kind, Member
from pipeline.build.tar_reader import bad_member, iter_members
from pipeline.config.model import Asset
from pipeline.formats import macho
from pipeline.formats.elf import scan as elf
from pipeline.formats.elf.strip import StripPlan
from pipeline.formats.forward_reader import BinaryFormatError, ForwardReader, Read
from pipeline.formats.machine import goarch_of
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
    member's ``content`` ordinal, how an ELF file loses its debug sections; ``notes`` why another
    binary is not stripped, or what is not known of it. ``unpacked_bytes`` counts every member of
    the archive. ``build_info`` is PYTHON.json, empty where there is none; ``texts`` are the licence
    texts beside it, by file name. ``goarches`` are the processors of programs, as far as known.
    """

    members: tuple[Member, ...]
    strips: Mapping[int, StripPlan]
    notes: Mapping[int, str]
    unpacked_bytes: int
    build_info: bytes
    texts: Mapping[str, Member]
    goarches: Mapping[int, str]


def scan(path: Path, asset: Asset) -> Inventory:
    """List the tree of the archive at ``path``; raises ``ArchiveError`` naming a bad member."""
    root = tree_root(asset.name)
    members: dict[str, Member] = {}
    binaries: dict[int, _Binary] = {}
    texts: dict[str, Member] = {}
    build_info, unpacked_bytes = b"", 0
    for item in iter_members(path, asset):
        member, read = item.member, item.read
        unpacked_bytes += 0 if read is None else member.size_bytes
        if member.name.startswith(root):
            name = member.name.removeprefix(root)
            if member.kind is Kind.LINK and (fault := link_fault(name, member.target)):
                raise bad_member(asset, member.name, f"is {fault}")
            members[name] = replace(member, name=name)
            if read is not None:
                binaries[member.content] = _inspect(read, member.size_bytes)
        elif root == _FULL_ROOT and read is not None:
            if member.name == _BUILD_INFO:
                build_info = _read_build_info(read, member, asset)
            elif posixpath.dirname(member.name) == _TEXTS:
                texts[posixpath.basename(member.name)] = member
    if not members:
        raise ArchiveError(
            f"{asset.name} holds nothing below {root}",
            hint="It is not an archive of python-build-standalone; check the source.",
        )
    return Inventory(
        tuple(replace(m, needed=_needed(m, binaries)) for m in members.values()),
        {content: each.strip for content, each in binaries.items() if each.strip},
        {content: each.note for content, each in binaries.items() if each.note},
        unpacked_bytes,
        build_info,
        texts,
        {content: each.goarch for content, each in binaries.items() if each.goarch},
    )


def _read_build_info(read: Read, member: Member, asset: Asset) -> bytes:
    if member.size_bytes > MAX_BUILD_INFO_BYTES:
        raise bad_member(asset, _BUILD_INFO, f"has {member.size_bytes} bytes, too many to read")
    return read(member.size_bytes)


def contents(path: Path, asset: Asset, wanted: Collection[int]) -> Iterator[tuple[int, Read]]:
    """The bytes of the members whose ordinals are ``wanted``, as (ordinal, read) in file order.

    ``read`` is valid until the next step. Raises ``ArchiveError`` naming the member at which the
    archive is damaged.
    """
    missing = set(wanted)
    for item in iter_members(path, asset):
        if item.member.content in missing and item.read is not None:
            missing.discard(item.member.content)
            yield item.member.content, item.read
        if not missing:
            return


def tree_root(asset_name: str) -> str:
    """Path of the interpreter's tree in the archive, with a slash behind it."""
    return _FULL_ROOT if "-full.tar" in asset_name else "python/"


@dataclass(frozen=True, slots=True)
class _Binary:
    """What the headers of a binary say; nothing, for any other file."""

    needed: tuple[str, ...] = ()
    strip: StripPlan | None = None
    note: str = ""
    goarch: str = ""


def _needed(member: Member, binaries: Mapping[int, _Binary]) -> tuple[str, ...]:
    """File names of the libraries that a file, or the one whose hard link it is, loads.

    PBS's programs name their own by path: ``$ORIGIN/../lib/``, ``@executable_path/../lib/``.
    """
    binary = binaries.get(member.content, _Binary())
    return tuple(map(posixpath.basename, binary.needed))


def _inspect(read: Read, size_bytes: int) -> _Binary:
    """Look into an ELF, Mach-O or PE file."""
    if size_bytes < len(elf.MAGIC):
        return _Binary()
    reader = ForwardReader(read, size_bytes)
    goarch = goarch_of(reader)
    try:
        magic = reader.fetch(0, len(elf.MAGIC))
        if magic in macho.MAGICS:
            return _Binary(macho.needed(reader), goarch=goarch)
        if magic != elf.MAGIC:
            return _Binary(goarch=goarch)
        found = elf.scan(reader)
    except BinaryFormatError as fault:
        return _Binary(note=f"left as it is: {fault}", goarch=goarch)
    return _Binary(found.facts.needed, found.strip, found.note, goarch)
