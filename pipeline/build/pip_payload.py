"""The payload that package ``pip`` of the Go module embeds: wheels unpacked into one tree."""

from __future__ import annotations

import email
import posixpath
import re
import stat
import zipfile
from collections.abc import Collection, Iterator, Mapping
from email.message import Message
from pathlib import Path

from pipeline.build.compressor import Compressor
from pipeline.build.digest import wheels_digest
from pipeline.build.pack import Packed, PackFile, Tree, pack_tree
from pipeline.build.staging import Stage, StagedContent, copying, staging
from pipeline.build.trim import parents
from pipeline.config.model import PIP_CELL, Matrix, Wheel
from pipeline.formats.payload.manifest import dir_entry
from pipeline.formats.payload.model import Component, PayloadMetadata
from pipeline.system.errors import ArchiveError

MAX_BYTES = 256 << 20
"""Of one wheel, unpacked; pip's own takes 7 MB."""
_METADATA = re.compile(r"(.*/)?[^/]+\.dist-info/METADATA")
_LICENSE_FILE = re.compile(r"licenses/|LICEN[CS]E|COPYING|AUTHORS|NOTICE")
_INSTALLER_FILES = frozenset({"RECORD", "INSTALLER", "REQUESTED"})


def build_wheels(
    files: Mapping[Wheel, Path], out: Path, matrix: Matrix, compressor: Compressor
) -> Packed:
    """Write the payload to ``out/pip``; raises ``ArchiveError`` naming a wheel's bad member."""
    with staging(out) as stage:
        contents: dict[str, StagedContent] = {}
        components: list[Component] = []
        for wheel, path in files.items():
            staged = _stage_wheel(wheel, path, stage)
            components += _components(wheel, path, staged)
            for name, content in staged.items():
                if name in contents:
                    raise _bad(wheel, name, "is also in another wheel of [pip]")
                contents[name] = content
        folders = {parent for name in contents for parent in parents(name)}
        tree = Tree(
            tuple(PackFile(name, content) for name, content in contents.items()),
            tuple(map(dir_entry, folders)),
            PayloadMetadata(cell_digest=wheels_digest(matrix), components=tuple(components)),
        )
        return pack_tree(stage, tree, out / PIP_CELL, matrix.payload, compressor)


def _stage_wheel(wheel: Wheel, path: Path, stage: Stage) -> dict[str, StagedContent]:
    """Contents by name. A wheel is a zip of regular files (PEP 427)."""
    contents: dict[str, StagedContent] = {}
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.is_dir() or _is_left_out(info.filename):
                    continue
                kind = stat.S_IFMT(info.external_attr >> 16)
                if kind not in {0, stat.S_IFREG}:
                    raise _bad(wheel, info.filename, "is not a regular file")
                total += info.file_size
                if total > MAX_BYTES or info.filename in contents:
                    raise _bad(wheel, info.filename, "makes the wheel too large, or is in it twice")
                with archive.open(info) as file:
                    contents[info.filename] = stage.add(copying(file.read))
    except zipfile.BadZipFile as fault:
        raise _bad(wheel, path.name, f"is damaged: {fault}") from fault
    return contents


def _components(wheel: Wheel, path: Path, names: Collection[str]) -> Iterator[Component]:
    """The licence in each METADATA of the wheel, and the texts beside it (PEP 639).

    The first is the wheel's own; others are of packages that it vendors.
    """
    found = sorted((n for n in names if _METADATA.fullmatch(n)), key=lambda n: (n.count("/"), n))
    if not found or "/" in posixpath.dirname(found[0]):
        raise _bad(wheel, "*.dist-info/METADATA", "is missing")
    with zipfile.ZipFile(path) as archive:
        for metadata in found:
            fields = email.message_from_bytes(archive.read(metadata))
            own = metadata == found[0]
            name = wheel.name if own else str(fields["Name"])
            version = wheel.version if own else str(fields["Version"])
            folder = posixpath.dirname(metadata)
            yield Component(name, version, _licenses(fields), _texts(folder, names))


def _licenses(fields: Message) -> tuple[str, ...]:
    """The SPDX expression or, in older metadata, the name; none where that is a whole text."""
    name = fields["License-Expression"] or fields["License"] or ""
    return (name,) if name and "\n" not in name else ()


def _texts(folder: str, names: Collection[str]) -> tuple[str, ...]:
    inside = {name: name.removeprefix(f"{folder}/") for name in names}
    return tuple(sorted(n for n, rest in inside.items() if rest != n and _LICENSE_FILE.match(rest)))


def _is_left_out(name: str) -> bool:
    """Whether an installer wrote the file for itself, or Python would compile it again."""
    folder, base = posixpath.split(name)
    return "__pycache__" in folder or (folder.endswith(".dist-info") and base in _INSTALLER_FILES)


def _bad(wheel: Wheel, member: str, what: str) -> ArchiveError:
    return ArchiveError(
        f"{wheel.name} {wheel.version}: member {member} {what}",
        hint="Pin another version under [pip] in matrix.toml.",
    )
