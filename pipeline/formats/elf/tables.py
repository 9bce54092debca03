"""The tables of an ELF file.

Sources: System V gABI (ELF Header, Section Header, Program Header).
"""

import struct
from typing import NamedTuple

from pipeline.formats.forward_reader import Extent

SHT_NULL, SHT_NOBITS = 0, 8
_PT_NULL = 0


class ElfLayout(NamedTuple):
    """The record formats of one class and byte order (gABI, Data Representation)."""

    header: struct.Struct
    segment: struct.Struct
    section: struct.Struct
    dynamic: struct.Struct
    word: struct.Struct
    """An offset or address."""


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
    """All headers of one file; ``raw_segments`` are the bytes of the program headers."""

    layout: ElfLayout
    header: Header
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    raw_segments: bytes
