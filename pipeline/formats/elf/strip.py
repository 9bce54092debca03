"""What stays of a linked ELF file without all that only debuggers and linkers read.

Pure, a part of ``pipeline.formats.elf``, which is the module to call. ``make_plan`` goes from the
tables of a file to a frozen plan.

What holds for a file that a plan describes:

- every byte that a segment has is the same, but for the offsets in the program headers: where
  removed bytes leave a hole of pages, what comes behind moves up by whole pages (patchelf puts
  segments behind a hundred megabytes of debug sections);
- of the ELF header only e_phoff, e_shoff, e_shnum and e_shstrndx differ;
- kept sections keep their index, because symbols refer to it. A section that goes leaves an
  SHT_NULL entry if a kept one follows, and nothing otherwise;
- what lies between kept ranges is zero;
- of the other sections only attributes stay. Behind the last segment they move up, since some
  linkers put them behind the debug sections (.gnu.attributes on PowerPC).

Sources: System V gABI (ELF Header, Section Header, Program Header), binutils include/elf/*.h.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.formats.elf.tables import SHT_NULL, Extent, Section, Tables, fail, merge

_SHT_RELA, _SHT_REL = 4, 9
_SHF_ALLOC, _SHF_INFO_LINK = 2, 0x40
_PT_LOAD = 1
# The .attributes sections: one type for all machines, and one by e_machine for ARM, AArch64, RISC-V
# and C-SKY. Linkers tell incompatible libraries by them, and GNU strip keeps them.
_SHT_GNU_ATTRIBUTES = 0x6FFFFFF5
_MACHINE_ATTRIBUTES = {40: 0x70000003, 183: 0x70000003, 243: 0x70000003, 252: 0x70000001}


@dataclass(frozen=True, slots=True)
class StripPlan:
    """How one file becomes the smaller one.

    The output is ``new_header``; the ``kept`` ranges, each at its offset in the input less its
    entry of ``shifts``, zeros between them, with ``new_segments`` in the place of the program
    headers at ``segments``; the ``moved`` ranges, which come later in the input, without a gap; the
    section names, as many bytes as at ``names`` in the input, but only those that begin at
    ``name_offsets``; zeros up to an aligned offset; ``section_headers``. Ranges are ascending.

    Removed names become zeros instead of going, so that the plan knows every size without having
    seen a name: the names may come a hundred megabytes before the headers that say where they are
    (llvm-bolt appends the debug sections that it rewrites).
    """

    in_size_bytes: int
    out_size_bytes: int
    old_header: bytes = field(repr=False)
    new_header: bytes = field(repr=False)
    segments: Extent
    new_segments: bytes = field(repr=False)
    kept: tuple[Extent, ...]
    shifts: tuple[int, ...]
    moved: tuple[Extent, ...]
    names: Extent
    name_offsets: tuple[int, ...] = field(repr=False)
    section_headers: bytes = field(repr=False)

    @property
    def zero_bytes(self) -> int:
        """How many bytes of the output are zeros between kept ranges, removed or padding."""
        placed = list(zip(self.kept, self.shifts, strict=True))
        starts = [start - shift for (start, _), shift in placed]
        ends = [len(self.new_header), *(end - shift for (_, end), shift in placed)]
        return sum(starts) - sum(ends[:-1])


def make_plan(tables: Tables, size: int) -> StripPlan | None:
    """Plan the stripped file; None when nothing would be saved.

    ``size`` is the file's, in bytes; all that the tables describe must lie within it. Bytes that
    become zero count as saved: they compress to nothing. Raises ElfError when a section's name
    begins outside of the name table.
    """
    layout, header, _, sections, _ = tables
    names = sections[header.shstrndx]
    staying = {i for i, section in enumerate(sections) if _stays(section, header.machine)}
    kept, moved = _places(tables, staying)
    shifts = _shifts(tables, kept)
    end = kept[-1][1] - shifts[-1]
    names_at = end + _length(moved)
    new_sections = [
        *_new_sections(sections, staying, _Places(kept, shifts, moved, end)),
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
        phoff=header.phoff - _shift_at(header.phoff, kept, shifts),
        shoff=shoff,
        shnum=len(new_sections),
        shstrndx=len(new_sections) - 1,
    )
    return StripPlan(
        in_size_bytes=size,
        out_size_bytes=out_size,
        old_header=layout.header.pack(*header),
        new_header=layout.header.pack(*new_header),
        segments=header.segments_extent,
        new_segments=_new_segments(tables, kept, shifts),
        kept=tuple(kept),
        shifts=shifts,
        moved=tuple(moved),
        names=names.extent,
        name_offsets=_name_offsets(new_sections, names.size),
        section_headers=section_headers,
    )


def _stays(section: Section, machine: int) -> bool:
    if section.kind == SHT_NULL:
        return False
    attributes = _SHT_GNU_ATTRIBUTES, _MACHINE_ATTRIBUTES.get(machine)
    return bool(section.flags & _SHF_ALLOC) or section.kind in attributes


def _places(tables: Tables, staying: set[int]) -> tuple[list[Extent], list[Extent]]:
    """Return what stays where it is, and what comes after all that."""
    layout, header, segments, sections, _ = tables
    loaded = [header.segments_extent, *(segment.extent for segment in segments)]
    loaded += [sections[i].extent for i in staying if sections[i].flags & _SHF_ALLOC]
    end = max(end for _, end in merge(loaded))
    others = [sections[i].extent for i in staying]
    kept = _behind(layout.header.size, [*loaded, *(extent for extent in others if extent[0] < end)])
    return kept, _behind(kept[-1][1], others)


def _shifts(tables: Tables, kept: list[Extent]) -> tuple[int, ...]:
    """By how much each kept range moves up: whole pages, and only over holes that have one.

    A loader maps pages, so an offset and its address must stay equal modulo p_align.
    """
    page = max([1, *(s.align for s in tables.segments if s.kind == _PT_LOAD)])
    shifts, shift, end = [], 0, kept[0][0]
    for start, stop in kept:
        if page & (page - 1) == 0:
            shift += (start - end) // page * page
        shifts.append(shift)
        end = stop
    return tuple(shifts)


def _shift_at(offset: int, kept: list[Extent], shifts: tuple[int, ...]) -> int:
    """The shift of the range that an offset is in or, for what has no bytes, comes behind."""
    found = [s for (start, _), s in zip(kept, shifts, strict=True) if start <= offset]
    return found[-1] if found else 0


def _new_segments(tables: Tables, kept: list[Extent], shifts: tuple[int, ...]) -> bytes:
    """The program headers with new offsets; nothing else of them is touched."""
    raw = bytearray(tables.raw_segments)
    field = struct.Struct(("<" if tables.layout.byteorder == "little" else ">") + "IQ"[
        tables.layout.bits == 64
    ])  # fmt: skip
    for index, segment in enumerate(tables.segments):
        # p_offset is the second word of either class.
        at = index * tables.header.phentsize + tables.layout.bits // 8
        field.pack_into(raw, at, segment.offset - _shift_at(segment.offset, kept, shifts))
    return bytes(raw)


class _Places(NamedTuple):
    """Where ranges go: kept ones by their shifts, moved ones one after the other at ``end``."""

    kept: list[Extent]
    shifts: tuple[int, ...]
    moved: list[Extent]
    end: int


def _new_sections(
    sections: tuple[Section, ...], staying: set[int], places: _Places
) -> list[Section]:
    """Return the sections up to the last that stays, by index."""
    null = Section(*[0] * len(Section._fields))
    renewed = [null] * (max(staying, default=0) + 1)
    for index in staying:
        old = sections[index]
        # Elsewhere sh_info counts symbols or entries (gABI, sh_link and sh_info Interpretation).
        refers = old.kind in {_SHT_REL, _SHT_RELA} or old.flags & _SHF_INFO_LINK
        renewed[index] = old._replace(
            offset=_moved_offset(old, places),
            link=old.link if old.link in staying else 0,
            info=old.info if old.info in staying or not refers else 0,
        )
    return renewed


def _moved_offset(section: Section, places: _Places) -> int:
    target = places.end
    for start, stop in places.moved:
        if start <= section.offset < section.extent[1] <= stop:
            return target + section.offset - start
        target += stop - start
    return section.offset - _shift_at(section.offset, places.kept, places.shifts)


def _behind(first: int, ranges: Iterable[Extent]) -> list[Extent]:
    """Merge what ranges have behind the ELF header, which is written anew."""
    return merge((max(start, first), end) for start, end in ranges)


def _length(ranges: list[Extent]) -> int:
    return sum(end - start for start, end in ranges)


def _name_offsets(sections: list[Section], size: int) -> tuple[int, ...]:
    offsets = sorted({section.name for section in sections if section.kind != SHT_NULL})
    if offsets[-1] >= size:
        fail(f"a section's name is at {offsets[-1]} of a name table of {size} bytes")
    return tuple(offsets)
