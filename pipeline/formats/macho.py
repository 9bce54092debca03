"""Mach-O files: which libraries they load.

Held at once: the load commands of one architecture, 1 MiB at most, and the names found.

Sources: mach-o/loader.h (headers, load commands), mach-o/fat.h (files of several architectures).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pipeline.formats.forward_reader import Extent, ForwardReader, fail

# MH_MAGIC and MH_MAGIC_64 in files of either byte order, with the size of the header.
_THIN = {
    b"\xfe\xed\xfa\xce": (">", 28),
    b"\xce\xfa\xed\xfe": ("<", 28),
    b"\xfe\xed\xfa\xcf": (">", 32),
    b"\xcf\xfa\xed\xfe": ("<", 32),
}
# FAT_MAGIC and FAT_MAGIC_64, always big-endian; struct fat_arch and fat_arch_64: offset and size.
_FAT = {
    b"\xca\xfe\xba\xbe": struct.Struct(">8xII4x"),
    b"\xca\xfe\xba\xbf": struct.Struct(">8xQQ8x"),
}
MAGICS = frozenset({*_THIN, *_FAT})
"""The first four bytes of a Mach-O file."""

_SLICES_LIMIT = 64
_COMMANDS_LIMIT_BYTES = 1024 * 1024
_REQUIRED = 0x80000000  # LC_REQ_DYLD
_LOADS = frozenset(
    {
        0x0C,  # LC_LOAD_DYLIB
        0x18 | _REQUIRED,  # LC_LOAD_WEAK_DYLIB
        0x1F | _REQUIRED,  # LC_REEXPORT_DYLIB
        0x20,  # LC_LAZY_LOAD_DYLIB
        0x23 | _REQUIRED,  # LC_LOAD_UPWARD_DYLIB
    }
)
_DYLIB_COMMAND_BYTES = 24


def needed(reader: ForwardReader) -> tuple[str, ...]:
    """The install names of the libraries that a Mach-O file loads, of all its architectures.

    They are in the file's order, each once; ``@rpath/`` and the like stay as they are. They are
    decoded as file names are: UTF-8, with surrogate escapes. Reads no further than needed. Raises
    ``BinaryFormatError`` when the file is malformed or truncated, or holds static libraries.
    """
    magic = reader.fetch(0, 4)
    slices = _slices(reader, _FAT[magic]) if magic in _FAT else [(0, reader.size)]
    return tuple(dict.fromkeys(name for each in slices for name in _library_names(reader, each)))


def _slices(reader: ForwardReader, record: struct.Struct) -> list[Extent]:
    """Where the file of each architecture is, by offset; the table may have them in any order."""
    (count,) = struct.unpack(">I", reader.fetch(4, 4))
    if not 0 < count <= _SLICES_LIMIT:
        fail(f"{count} architectures, of 1 to {_SLICES_LIMIT}")
    table = reader.fetch(8, count * record.size)
    slices = sorted((start, start + size) for start, size in record.iter_unpack(table))
    free = 8 + len(table)
    for start, end in slices:
        if start < free or end > reader.size:
            fail(f"the file of an architecture is at bytes {start} to {end}, which are not free")
        free = end
    return slices


def _library_names(reader: ForwardReader, extent: Extent) -> Iterator[str]:
    start, end = extent
    magic = reader.fetch(start, 4)
    if magic not in _THIN:
        fail(f"no Mach-O file begins with {magic.hex(' ')}")
    order, header_bytes = _THIN[magic]
    count, size = struct.unpack_from(f"{order}16x2I", reader.fetch(start, header_bytes))
    first = start + header_bytes
    if size > _COMMANDS_LIMIT_BYTES:
        fail(f"{size} bytes of load commands, of {_COMMANDS_LIMIT_BYTES} at most")
    if first + size > end:
        fail(f"load commands up to byte {first + size} of a file up to {end}")
    commands = reader.fetch(first, size)
    at = 0
    for number in range(count):
        if at + 8 > size:
            fail(f"{count} load commands, of which {number} are there")
        kind, length = struct.unpack_from(f"{order}2I", commands, at)
        if not 8 <= length <= size - at:
            fail(f"a load command of {length} bytes, {size - at} before the end")
        if kind in _LOADS:
            yield _library_name(commands[at : at + length], order)
        at += length


def _library_name(command: bytes, order: str) -> str:
    """Read a struct dylib_command; the name's offset is from its start."""
    if len(command) < _DYLIB_COMMAND_BYTES:
        fail(f"a load command of {len(command)} bytes for a library")
    (start,) = struct.unpack_from(f"{order}8xI", command)
    end = command.find(b"\0", start)
    if start < _DYLIB_COMMAND_BYTES or end < 0:
        fail(f"a library's name at byte {start} of a load command of {len(command)}")
    return command[start:end].decode("utf-8", "surrogateescape")
