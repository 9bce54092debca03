"""What stays of a linked ELF file without all that only debuggers and linkers read.

Pure, and the lower half of ``pipeline.elf``, which is the module to call. Here are the tables of
the format, an input that is read forward only, and ``make_plan``: from the tables of a file to a
frozen plan.

What holds for a file that a plan describes:

- every byte that a program header covers, and the program headers, are the same at the same offset;
- of the ELF header only e_shoff, e_shnum and e_shstrndx differ;
- kept sections keep their index, because symbols refer to it. A section that goes leaves an
  SHT_NULL entry if a kept one follows, and nothing otherwise;
- what lies between kept ranges is zero;
- of the other sections only attributes stay. Behind the last segment they move up, since some
  linkers put them behind the debug sections (.gnu.attributes on PowerPC).

Sources: System V gABI (ELF Header, Section Header, Program Header), binutils include/elf/*.h.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, NoReturn, TypeAlias

Read: TypeAlias = Callable[[int], bytes]
"""Returns at most so many bytes, b"" at the end of the file."""

Extent: TypeAlias = tuple[int, int]
"""Offsets in a file: the first byte, and the one behind the last."""

SHT_NOBITS = 8
_SHT_NULL, _SHT_RELA, _SHT_REL = 0, 4, 9
_SHF_ALLOC, _SHF_INFO_LINK = 2, 0x40
_PT_NULL = 0
# The .attributes sections: one type for all machines, and one by e_machine for ARM, AArch64, RISC-V
# and C-SKY. Linkers tell incompatible libraries by them, and GNU strip keeps them.
_SHT_GNU_ATTRIBUTES = 0x6FFFFFF5
_MACHINE_ATTRIBUTES = {40: 0x70000003, 183: 0x70000003, 243: 0x70000003, 252: 0x70000001}

CHUNK_BYTES = 256 * 1024


class ElfError(ValueError):
    """The file is no ELF file that can be understood, or not the one that a plan was made for."""


class Layout(NamedTuple):
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
        return self.offset, self.offset + (0 if self.kind in {_SHT_NULL, SHT_NOBITS} else self.size)


class Tables(NamedTuple):
    """All headers of one file."""

    layout: Layout
    header: Header
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class StripPlan:
    """How one file becomes the smaller one.

    The output is ``new_header``; the ``kept`` ranges, each at the offset it has in the input, zeros
    between them; the ``moved`` ranges, which come later in the input, without a gap; the section
    names, as many bytes as at ``names`` in the input, but only those that begin at
    ``name_offsets``; zeros up to an aligned offset; ``section_headers``. Ranges are ascending.

    Removed names become zeros instead of going, so that the plan knows every size without having
    seen a name: the names may come a hundred megabytes before the headers that say where they are
    (llvm-bolt appends the debug sections that it rewrites).
    """

    in_size_bytes: int
    out_size_bytes: int
    old_header: bytes = field(repr=False)
    new_header: bytes = field(repr=False)
    kept: tuple[Extent, ...]
    moved: tuple[Extent, ...]
    names: Extent
    name_offsets: tuple[int, ...] = field(repr=False)
    section_headers: bytes = field(repr=False)

    @property
    def zero_bytes(self) -> int:
        """How many bytes of the output are zeros between kept ranges, removed or padding."""
        starts = [start for start, _ in self.kept]
        ends = [len(self.new_header), *(end for _, end in self.kept)]
        return sum(starts) - sum(ends[:-1])


class Tape:
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


def make_plan(tables: Tables, size: int) -> StripPlan | None:
    """Plan the stripped file; None when nothing would be saved.

    ``size`` is the file's, in bytes; all that the tables describe must lie within it. Bytes that
    become zero count as saved: they compress to nothing. Raises ElfError when a section's name
    begins outside of the name table.
    """
    layout, header, _, sections = tables
    names = sections[header.shstrndx]
    staying = {i for i, section in enumerate(sections) if _stays(section, header.machine)}
    kept, moved = _places(tables, staying)
    names_at = kept[-1][1] + _length(moved)
    new_sections = [
        *_new_sections(sections, staying, moved, kept[-1][1]),
        names._replace(offset=names_at, link=0, info=0),
    ]
    section_headers = b"".join(layout.section.pack(*section) for section in new_sections)
    word = layout.bits // 8
    shoff = -(-(names_at + names.size) // word) * word
    out_size = shoff + len(section_headers)
    gone = _behind(layout.header.size, (s.extent for s in sections if s is not names))
    removed = _length(merge([*kept, *moved, *gone])) - _length(kept) - _length(moved)
    if size - out_size + removed <= 0:
        return None
    new_header = header._replace(
        shoff=shoff, shnum=len(new_sections), shstrndx=len(new_sections) - 1
    )
    return StripPlan(
        in_size_bytes=size,
        out_size_bytes=out_size,
        old_header=layout.header.pack(*header),
        new_header=layout.header.pack(*new_header),
        kept=tuple(kept),
        moved=tuple(moved),
        names=names.extent,
        name_offsets=_name_offsets(new_sections, names.size),
        section_headers=section_headers,
    )


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


def _stays(section: Section, machine: int) -> bool:
    if section.kind == _SHT_NULL:
        return False
    attributes = _SHT_GNU_ATTRIBUTES, _MACHINE_ATTRIBUTES.get(machine)
    return bool(section.flags & _SHF_ALLOC) or section.kind in attributes


def _places(tables: Tables, staying: set[int]) -> tuple[list[Extent], list[Extent]]:
    """Return what stays where it is, and what comes after all that."""
    layout, header, segments, sections = tables
    loaded = [header.segments_extent, *(segment.extent for segment in segments)]
    loaded += [sections[i].extent for i in staying if sections[i].flags & _SHF_ALLOC]
    end = max(end for _, end in merge(loaded))
    others = [sections[i].extent for i in staying]
    kept = _behind(layout.header.size, [*loaded, *(extent for extent in others if extent[0] < end)])
    return kept, _behind(kept[-1][1], others)


def _new_sections(
    sections: tuple[Section, ...], staying: set[int], moved: list[Extent], end: int
) -> list[Section]:
    """Return the sections up to the last that stays, by index; ``moved`` ranges are at ``end``."""
    null = Section(*[0] * len(Section._fields))
    renewed = [null] * (max(staying, default=0) + 1)
    for index in staying:
        old = sections[index]
        # Elsewhere sh_info counts symbols or entries (gABI, sh_link and sh_info Interpretation).
        refers = old.kind in {_SHT_REL, _SHT_RELA} or old.flags & _SHF_INFO_LINK
        renewed[index] = old._replace(
            offset=_moved_offset(old, moved, end),
            link=old.link if old.link in staying else 0,
            info=old.info if old.info in staying or not refers else 0,
        )
    return renewed


def _moved_offset(section: Section, moved: list[Extent], end: int) -> int:
    target = end
    for start, stop in moved:
        if start <= section.offset < section.extent[1] <= stop:
            return target + section.offset - start
        target += stop - start
    return section.offset


def _behind(first: int, ranges: Iterable[Extent]) -> list[Extent]:
    """Merge what ranges have behind the ELF header, which is written anew."""
    return merge((max(start, first), end) for start, end in ranges)


def _length(ranges: list[Extent]) -> int:
    return sum(end - start for start, end in ranges)


def _name_offsets(sections: list[Section], size: int) -> tuple[int, ...]:
    offsets = sorted({section.name for section in sections if section.kind != _SHT_NULL})
    if offsets[-1] >= size:
        fail(f"a section's name is at {offsets[-1]} of a name table of {size} bytes")
    return tuple(offsets)
