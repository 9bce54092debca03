"""The tables of an ELF file, and an input that is read forward only.

Sources: System V gABI (ELF Header, Section Header, Program Header).
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple, NoReturn, TypeAlias

Read: TypeAlias = Callable[[int], bytes]
"""Returns at most so many bytes, b"" at the end of the file."""

Extent: TypeAlias = tuple[int, int]
"""Offsets in a file: the first byte, and the one behind the last."""

SHT_NULL, SHT_NOBITS = 0, 8
_PT_NULL = 0
CHUNK_BYTES = 256 * 1024


class ElfError(ValueError):
    """The file is no ELF file that can be understood, or not the one that a plan was made for."""


class ElfLayout(NamedTuple):
    """The record formats of one class and byte order (gABI, Data Representation)."""

    bits: Literal[32, 64]
    byteorder: Literal["little", "big"]
    header: struct.Struct
    segment: struct.Struct
    section: struct.Struct
    dynamic: struct.Struct


class Header(NamedTuple):
    """ELF header: every field, in the file's order."""

    ident: bytes
    kind: int
    machine: int
    version: int
    entry: int
    phoff: int
    shoff: int
    flags: int
    ehsize: int
    phentsize: int
    phnum: int
    shentsize: int
    shnum: int
    shstrndx: int

    @property
    def segments_extent(self) -> Extent:
        """Where the program headers are."""
        return self.phoff, self.phoff + self.phnum * self.phentsize

    @property
    def sections_extent(self) -> Extent:
        """Where the section headers are."""
        return self.shoff, self.shoff + self.shnum * self.shentsize


class Segment(NamedTuple):
    """The fields of a program header that matter here."""

    kind: int
    offset: int
    vaddr: int
    filesz: int
    align: int

    @property
    def extent(self) -> Extent:
        """The bytes of the file that it covers."""
        return self.offset, self.offset + (0 if self.kind == _PT_NULL else self.filesz)


class Section(NamedTuple):
    """Section header: every field, in the file's order, which is the same for both classes."""

    name: int
    kind: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    info: int
    addralign: int
    entsize: int

    @property
    def extent(self) -> Extent:
        """The bytes of the file that it covers."""
        return self.offset, self.offset + (0 if self.kind in {SHT_NULL, SHT_NOBITS} else self.size)


class Tables(NamedTuple):
    """All headers of one file."""

    layout: ElfLayout
    header: Header
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    raw_segments: bytes
    """The program headers as they are."""


class ForwardReader:
    """A forward-only input that remembers the wanted ranges.

    It never asks for more than a chunk, so that a size that lies costs nothing.
    """

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self._size = size
        self._remembered: list[tuple[int, bytes]] = []
        self._wanted: list[Extent] = []
        self._position = 0

    def want(self, ranges: Iterable[Extent]) -> None:
        """Remember these ranges from now on, and forget the chunks that are outside of them."""
        self._wanted = merge(ranges)
        self._remembered = [(at, data) for at, data in self._remembered if self._wants(at, data)]

    def _wants(self, at: int, data: bytes) -> bool:
        return any(start < at + len(data) and at < end for start, end in self._wanted)

    def pieces(self, end: int) -> Iterator[bytes]:
        """Yield the bytes from the present position to offset ``end``; none if that is behind."""
        if end > self._size:
            fail(f"something reaches to byte {end} of a file of {self._size} bytes")
        while self._position < end:
            data = self._exactly(min(CHUNK_BYTES, end - self._position))
            if self._wants(self._position, data):
                self._remembered.append((self._position, data))
            self._position += len(data)
            yield data

    def _exactly(self, size: int) -> bytes:
        # Short reads are joined, so that what is remembered is not a million tiny objects.
        parts: list[bytes] = []
        missing = size
        while missing > 0:
            parts.append(self._read(missing))
            if not parts[-1]:
                fail(f"the file ends at byte {self._position + size - missing} of {self._size}")
            missing -= len(parts[-1])
        return b"".join(parts)

    def advance(self, end: int) -> None:
        """Read up to offset ``end``."""
        for _ in self.pieces(end):
            continue

    def take(self, extent: Extent) -> bytes:
        """Return a range, reading up to its end. It must have been wanted when it was reached."""
        start, end = extent
        self.advance(end)
        parts = (data[max(0, start - at) : max(0, end - at)] for at, data in self._remembered)
        return b"".join(parts)


def merge(ranges: Iterable[Extent]) -> list[Extent]:
    """Sort ranges, drop empty ones, join those that overlap or touch."""
    merged: list[Extent] = []
    for start, end in sorted(r for r in ranges if r[0] < r[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def fail(what: str) -> NoReturn:
    """Raise ElfError."""
    raise ElfError(what)
