"""Windows DLLs without code, which forward their exports to other DLLs."""

from __future__ import annotations

import struct
from collections.abc import Mapping

_IMAGE_BASE = 0x1_8000_0000
_SECTION_RVA = 0x1000
_FILE_ALIGNMENT = 0x200
_HEADERS_BYTES = 0x200


def forwarding_dll(name: str, forwards: Mapping[str, str]) -> bytes:
    """A DLL for x86-64; ``forwards`` maps exported names to ``library.function``.

    The layout is that of Microsoft's "PE Format": an export whose address lies inside of the
    export section is the name of the function that it leads to.
    """
    exports = _export_section(name, dict(sorted(forwards.items())))
    padded = exports.ljust(-(-len(exports) // _FILE_ALIGNMENT) * _FILE_ALIGNMENT, b"\0")
    coff = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2022)  # executable, 64-bit, DLL
    optional = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII",
        0x20B, 0, 0, 0, len(padded), 0, 0, _SECTION_RVA,
        _IMAGE_BASE, 0x1000, _FILE_ALIGNMENT, 6, 0, 0, 0, 6, 0, 0,
        _SECTION_RVA + 0x1000, _HEADERS_BYTES, 0, 3, 0x0140,
        0x100000, 0x1000, 0x100000, 0x1000, 0, 16,
    )  # fmt: skip
    directories = struct.pack("<II", _SECTION_RVA, len(exports)).ljust(16 * 8, b"\0")
    section = struct.pack(
        "<8sIIIIIIHHI",
        b".edata", len(exports), _SECTION_RVA, len(padded), _HEADERS_BYTES, 0, 0, 0, 0, 0x40000040,
    )  # fmt: skip
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    headers = dos + b"PE\0\0" + coff + optional + directories + section
    return headers.ljust(_HEADERS_BYTES, b"\0") + padded


def _export_section(name: str, forwards: Mapping[str, str]) -> bytes:
    count = len(forwards)
    addresses_at = 40
    names_at = addresses_at + 4 * count
    ordinals_at = names_at + 4 * count
    strings, offsets = b"", list[int]()
    for text in (name, *forwards, *forwards.values()):
        offsets.append(_SECTION_RVA + ordinals_at + 2 * count + len(strings))
        strings += text.encode() + b"\0"
    own, names, targets = offsets[0], offsets[1 : count + 1], offsets[count + 1 :]
    directory = struct.pack(
        "<IIHHIIIIIII",
        0, 0, 0, 0, own, 1, count, count,
        *(_SECTION_RVA + at for at in (addresses_at, names_at, ordinals_at)),
    )  # fmt: skip
    ordinals = struct.pack(f"<{count}H", *range(count))
    return (
        directory
        + struct.pack(f"<{count}I", *targets)
        + struct.pack(f"<{count}I", *names)
        + ordinals
        + strings
    )
