"""Mach-O files: which libraries they ask for when they are loaded.

Pure: bytes come from a forward-only ``read``. Held at once: the load commands of one architecture,
1 MiB at most, and the names found. Sizes that a file claims are believed only as far as bytes
really arrive.

Sources: mach-o/loader.h (headers, load commands), mach-o/fat.h (files of several architectures),
and for Java the magic file ``cafebabe`` of file(1).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple, NoReturn, TypeAlias

Read: TypeAlias = Callable[[int], bytes]
"""Returns at most so many bytes, b"" at the end of the file."""

# MH_MAGIC and MH_MAGIC_64 as they stand in files of either byte order.
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
"""The first four bytes of what ``needed`` reads. One of them begins Java's class files as well."""

_JAVA_MAGIC = b"\xca\xfe\xba\xbe"
_JAVA_MAJOR = 43
"""The oldest version of a class file; it stands where a fat file counts its architectures."""
_ARCHIVE_MAGIC = b"!<ar"
_SLICES_LIMIT = 64
_COMMANDS_LIMIT_BYTES = 1024 * 1024
_SKIP_BYTES = 256 * 1024
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


class MachOError(ValueError):
    """The file is no Mach-O file that can be understood, or it ends early."""


class _Slice(NamedTuple):
    """Where an architecture's own Mach-O file is: its first byte, and the one behind its last."""

    start: int
    end: int


class _Tape:
    """An input that is only ever read forward; offsets and sizes are in bytes."""

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self.size = size
        self.position = 0

    def take(self, start: int, size: int) -> bytes:
        """Return ``size`` bytes from offset ``start``, which must not lie behind."""
        if start + size > self.size:
            _fail(f"something reaches to byte {start + size} of a file of {self.size} bytes")
        while self.position < start:
            self._exactly(min(_SKIP_BYTES, start - self.position))
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        parts: list[bytes] = []
        end = self.position + size
        while self.position < end:
            parts.append(self._read(end - self.position))
            if not parts[-1]:
                _fail(f"the file ends at byte {self.position} of {self.size}")
            self.position += len(parts[-1])
        return b"".join(parts)


def needed(read: Read, size: int) -> tuple[str, ...]:
    """The install names of the libraries that a Mach-O file of ``size`` bytes asks for.

    They are in the file's order, each once, of all architectures together; weak, re-exported,
    lazy and upward ones are among them, and ``@rpath/`` and the like stay as they are. They are
    decoded as file names are: UTF-8, with surrogate escapes. A Java class file and a static
    library ask for none. Reads no further than needed. Raises ``MachOError`` when the file is
    malformed or truncated.
    """
    tape = _Tape(read, size)
    magic = tape.take(0, 4)
    if magic in _THIN:
        return tuple(dict.fromkeys(_thin_names(tape, magic, _Slice(0, size))))
    if magic not in _FAT:
        _fail(f"no Mach-O file begins with {magic.hex(' ')}")
    return tuple(dict.fromkeys(_fat_names(tape, magic)))


def _fat_names(tape: _Tape, magic: bytes) -> Iterator[str]:
    (count,) = struct.unpack(">I", tape.take(4, 4))
    if magic == _JAVA_MAGIC and count >= _JAVA_MAJOR:
        return
    if not 0 < count <= _SLICES_LIMIT:
        _fail(f"{count} architectures, of 1 to {_SLICES_LIMIT}")
    for part in _slices(tape, _FAT[magic], count):
        inner = tape.take(part.start, 4)
        if inner in _THIN:
            yield from _thin_names(tape, inner, part)
        elif inner != _ARCHIVE_MAGIC:
            _fail(f"an architecture's file begins with {inner.hex(' ')}")


def _slices(tape: _Tape, form: struct.Struct, count: int) -> list[_Slice]:
    """Where the architectures are, by offset; the table may have them in any order."""
    table = tape.take(8, count * form.size)
    parts = sorted(_Slice(start, start + size) for start, size in form.iter_unpack(table))
    free = tape.position
    for part in parts:
        if part.start < free or part.end > tape.size:
            _fail(f"an architecture's file at bytes {part.start} to {part.end}, which are not free")
        free = part.end
    return parts


def _thin_names(tape: _Tape, magic: bytes, part: _Slice) -> Iterator[str]:
    """Read what follows the magic; ``part`` is the extent of the Mach-O file."""
    order, header_bytes = _THIN[magic]
    header = tape.take(tape.position, header_bytes - 4)
    count, size = struct.unpack_from(f"{order}12x2I", header)
    if size > _COMMANDS_LIMIT_BYTES:
        _fail(f"{size} bytes of load commands, of {_COMMANDS_LIMIT_BYTES} at most")
    if tape.position + size > part.end:
        _fail(f"load commands up to byte {tape.position + size} of a file up to {part.end}")
    return _library_names(tape.take(tape.position, size), count, order)


def _library_names(commands: bytes, count: int, order: str) -> Iterator[str]:
    at = 0
    for number in range(count):
        if at + 8 > len(commands):
            _fail(f"{count} load commands, of which {number} are there")
        kind, size = struct.unpack_from(f"{order}2I", commands, at)
        if not 8 <= size <= len(commands) - at:
            _fail(f"a load command of {size} bytes, {len(commands) - at} before the end")
        if kind in _LOADS:
            yield _library_name(commands[at : at + size], order)
        at += size


def _library_name(command: bytes, order: str) -> str:
    """Read a struct dylib_command; the name's offset is from its start."""
    if len(command) < _DYLIB_COMMAND_BYTES:
        _fail(f"a load command of {len(command)} bytes for a library")
    (start,) = struct.unpack_from(f"{order}8xI", command)
    end = command.find(b"\0", start)
    if start < _DYLIB_COMMAND_BYTES or end < 0:
        _fail(f"a library's name at byte {start} of a load command of {len(command)}")
    return command[start:end].decode("utf-8", "surrogateescape")


def _fail(what: str) -> NoReturn:
    raise MachOError(what)
