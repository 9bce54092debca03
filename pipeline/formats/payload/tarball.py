"""Payloads as one tar and back, which keeps modes and names through any transport.

Members are ``<cell>/<file>``, sorted, 0644, without owner and time: equal payloads, equal tars.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Sequence
from pathlib import Path

from pipeline.config.model import PIP_CELL
from pipeline.formats.payload.reader import read_payload
from pipeline.system.errors import PayloadError
from pipeline.system.files import disk_errors, replace_dir, scratch_dir

SUFFIX = ".tar"
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_MEMBER = re.compile(rf"(?P<cell>{_PART}/{_PART}|{PIP_CELL})/{_PART}")
_MODE = 0o644


def pack_payloads(folder: Path, cells: Sequence[str], file: Path) -> None:
    """Write the payloads of ``cells`` (names, below ``folder``) to the tar ``file``."""
    paths = sorted(path for cell in cells for path in (folder / cell).iterdir())
    with disk_errors(file.parent), scratch_dir(file.parent) as scratch:
        made = scratch / file.name
        with tarfile.open(made, "w", format=tarfile.USTAR_FORMAT) as tar:
            for path in paths:
                info = tarfile.TarInfo(path.relative_to(folder).as_posix())
                info.size, info.mode = path.stat().st_size, _MODE
                with path.open("rb") as data:
                    tar.addfile(info, data)
        made.replace(file)


def unpack_payloads(folder: Path, out: Path) -> tuple[str, ...]:
    """Unpack every tar below ``folder`` into ``out``; returns the names of the cells, sorted.

    Raises ``PayloadError`` for a tar that holds anything but whole payloads, or a cell that another
    one holds; then ``out`` stays as it is.
    """
    origins: dict[str, Path] = {}
    with scratch_dir(out) as scratch:
        for file in sorted(folder.rglob(f"*{SUFFIX}")):
            for cell in _unpack(file, scratch):
                if cell in origins:
                    raise PayloadError(
                        f"{file} and {origins[cell]} both hold {cell}",
                        hint="Leave one of them out.",
                    )
                origins[cell] = file
        for cell, file in origins.items():
            try:
                read_payload(scratch / cell)
            except PayloadError as fault:
                raise fault.at(f"{cell} of {file}") from None
        for cell in sorted(origins):
            replace_dir(scratch / cell, out / cell)
    return tuple(sorted(origins))


def _unpack(file: Path, scratch: Path) -> list[str]:
    """Unpack one tar below ``scratch``; returns its cells."""
    try:
        with disk_errors(scratch), tarfile.open(file, "r:") as tar:
            members = tar.getmembers()
            strange = [each.name for each in members if not _is_payload_file(each)]
            if strange:
                raise PayloadError(
                    f"{file} holds files that are not part of a payload",
                    details=strange,
                    hint="Use only tars of 'goempy build --pack'.",
                )
            cells = dict.fromkeys(each.name.rpartition("/")[0] for each in members)
            if taken := [cell for cell in cells if (scratch / cell).exists()]:
                return taken
            tar.extractall(scratch, members, filter="data")
    except tarfile.TarError as fault:
        raise PayloadError(
            f"{file} is damaged: {fault}", hint="Pack or download it again."
        ) from fault
    return list(cells)


def _is_payload_file(member: tarfile.TarInfo) -> bool:
    return member.isreg() and _MEMBER.fullmatch(member.name) is not None
