"""The payload that package ``pip`` of the Go module embeds: wheels, unpacked into one tree."""

from __future__ import annotations

import email
import posixpath
import re
import stat
import zipfile
from collections.abc import Collection, Iterator, Mapping
from email.message import Message
from pathlib import Path

from pipeline.build import pack
from pipeline.build import staging as stages
from pipeline.build.digest import wheels_digest
from pipeline.build.trim import parents
from pipeline.config.model import PIP_CELL, Matrix, Wheel
from pipeline.formats.payload import manifest as format1
from pipeline.formats.payload.model import Component, PayloadMetadata
from pipeline.system.errors import ArchiveError
from pipeline.system.files import CHUNK_BYTES

MAX_BYTES = 256 << 20
"""What one wheel may unpack to; pip's own takes 7 MB."""
_METADATA = re.compile(r"(.*/)?[^/]+\.dist-info/METADATA")
_LICENSE_FILE = re.compile(r"licenses/|LICEN[CS]E|COPYING|AUTHORS|NOTICE")
_INSTALLERS_NOTES = frozenset({"RECORD", "INSTALLER", "REQUESTED"})


def build_wheels(
    files: Mapping[Wheel, Path], out: Path, matrix: Matrix, *, processors: int
) -> pack.Packed:
    """Write the payload to ``out/pip``; raises ``ArchiveError`` naming a wheel's bad member."""
    with stages.staging(out) as stage:
        contents: dict[str, stages.StagedContent] = {}
        components: list[Component] = []
        for wheel, path in files.items():
            staged = _stage_wheel(wheel, path, stage)
            components += _components(wheel, path, staged)
            for name, content in staged.items():
                if name in contents:
                    raise _bad(wheel, name, "is in another wheel of [pip] too")
                contents[name] = content
        folders = {parent for name in contents for parent in parents(name)}
        tree = pack.Tree(
            tuple(pack.PackFile(name, content) for name, content in contents.items()),
            tuple(map(format1.dir_entry, folders)),
            PayloadMetadata(cell_digest=wheels_digest(matrix), components=tuple(components)),
        )
        return pack.pack_tree(stage, tree, out / PIP_CELL, matrix.payload, processors=processors)


def _stage_wheel(wheel: Wheel, path: Path, stage: stages.Stage) -> dict[str, stages.StagedContent]:
    """Contents by name. A wheel is a zip of regular files (PEP 427)."""
    contents: dict[str, stages.StagedContent] = {}
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.is_dir() or _is_left_out(info.filename):
                    continue
                kind = stat.S_IFMT(info.external_attr >> 16)
                if kind not in {0, stat.S_IFREG}:
                    raise _bad(wheel, info.filename, "is no regular file")
                total += info.file_size
                if total > MAX_BYTES or info.filename in contents:
                    raise _bad(wheel, info.filename, "is too large, or there twice")
                contents[info.filename] = stage.add(_reader(archive, info))
    except zipfile.BadZipFile as fault:
        raise _bad(wheel, path.name, f"is damaged: {fault}") from fault
    return contents


def _components(wheel: Wheel, path: Path, names: Collection[str]) -> Iterator[Component]:
    """What each METADATA in the wheel says of a licence, and the texts beside it (PEP 639).

    The first is the wheel's own; others are of packages that it carries along.
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
    """The SPDX expression or, in older metadata, the word for it; none where it is a text."""
    said = fields["License-Expression"] or fields["License"] or ""
    return (said,) if said and "\n" not in said else ()


def _texts(folder: str, names: Collection[str]) -> tuple[str, ...]:
    inside = {name: name.removeprefix(f"{folder}/") for name in names}
    return tuple(sorted(n for n, rest in inside.items() if rest != n and _LICENSE_FILE.match(rest)))


def _is_left_out(name: str) -> bool:
    """What an installer writes for itself, and what Python compiles anew."""
    folder, base = posixpath.split(name)
    return "__pycache__" in folder or (folder.endswith(".dist-info") and base in _INSTALLERS_NOTES)


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> stages.ContentWriter:
    def feed(write: stages.Write) -> None:
        with archive.open(info) as file:
            while chunk := file.read(CHUNK_BYTES):
                write(chunk)

    return feed


def _bad(wheel: Wheel, member: str, what: str) -> ArchiveError:
    return ArchiveError(
        f"{wheel.name} {wheel.version}: member {member} {what}",
        hint="Pin another version under [pip] in matrix.toml.",
    )
