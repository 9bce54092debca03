"""A linked ELF file without what only debuggers and linkers read.

``plan_strip`` makes a frozen plan from the file's tables; ``strip`` reads the file a second time
and performs it, holding a chunk and the section names.

What holds for a stripped file:

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

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.formats.elf.tables import SHT_NULL, Section, Tables
from pipeline.formats.forward_reader import CHUNK_BYTES, Extent, ForwardReader, fail, merge

_SHT_RELA, _SHT_REL = 4, 9
_SHF_ALLOC, _SHF_INFO_LINK = 2, 0x40
_PT_LOAD = 1
# The .attributes sections: one type for all machines, and one by e_machine for ARM, AArch64, RISC-V
# and C-SKY. Linkers check by them what can be combined, and GNU strip keeps them.
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


def strip(reader: ForwardReader, plan: StripPlan, write: Callable[[bytes], object]) -> None:
    """Read the file that ``plan`` was made for; write ``plan.out_size_bytes``, in pieces.

    Reads no further than needed. Raises BinaryFormatError when the size or the ELF header are not
    the plan's, before anything is written, or when the input ends early.
    """
    header_extent = 0, len(plan.old_header)
    reader.want([header_extent, plan.names])
    if reader.size != plan.in_size_bytes or reader.take(header_extent) != plan.old_header:
        fail("the plan was made for another file")
    write(plan.new_header)
    position = len(plan.new_header)
    for (start, end), shift in zip(plan.kept, plan.shifts, strict=True):
        reader.advance(start)
        _write_zeros(write, start - shift - position)
        first, behind = plan.segments
        if start <= first and behind <= end:
            _copy(reader, first, write)
            reader.advance(behind)
            write(plan.new_segments)
        _copy(reader, end, write)
        position = end - shift
    for start, end in plan.moved:
        reader.advance(start)
        _copy(reader, end, write)
        position += end - start
    names = _only_names(reader.take(plan.names), plan.name_offsets)
    write(names)
    _write_zeros(write, plan.out_size_bytes - len(plan.section_headers) - position - len(names))
    write(plan.section_headers)


def _copy(reader: ForwardReader, end: int, write: Callable[[bytes], object]) -> None:
    for data in reader.pieces(end):
        write(data)


def _only_names(table: bytes, offsets: tuple[int, ...]) -> bytes:
    """Return the table with zeros for all names but those that begin at ``offsets`` (ascending)."""
    kept = bytearray(len(table))
    copied = 0
    for start in offsets:
        if start >= copied:  # else it is the end of a name that is there: .plt in .rela.plt
            copied = table.find(b"\0", start)
            copied = len(table) if copied < 0 else copied
            kept[start:copied] = table[start:copied]
    return bytes(kept)


def _write_zeros(write: Callable[[bytes], object], size: int) -> None:
    for done in range(0, size, CHUNK_BYTES):
        write(bytes(min(CHUNK_BYTES, size - done)))


class _Placement(NamedTuple):
    """Where ranges go: kept ones up by their shifts, moved ones behind them without a gap."""

    kept: list[Extent]
    shifts: list[int]
    moved: list[Extent]

    @property
    def kept_end(self) -> int:
        return self.kept[-1][1] - self.shifts[-1]

    def offset(self, old: int) -> int:
        """Shifted as the range that it is in or, for what has no bytes, comes behind."""
        shifts = [s for (start, _), s in zip(self.kept, self.shifts, strict=True) if start <= old]
        return old - (shifts[-1] if shifts else 0)

    def section_offset(self, section: Section) -> int:
        target = self.kept_end
        for start, stop in self.moved:
            if start <= section.offset < section.extent[1] <= stop:
                return target + section.offset - start
            target += stop - start
        return self.offset(section.offset)


def plan_strip(tables: Tables, size: int) -> StripPlan | None:
    """Plan the stripped file; None when nothing would be saved.

    ``size`` is the file's, in bytes; all that the tables describe must lie within it. Bytes that
    become zero count as saved: they compress to nothing. Raises BinaryFormatError when a section's
    name begins outside the name table.
    """
    layout, header, sections = tables.layout, tables.header, tables.sections
    names = sections[header.shstrndx]
    staying = {i for i, section in enumerate(sections) if _stays(section, header.machine)}
    placement = _place(tables, staying)
    names_at = placement.kept_end + _length(placement.moved)
    new_sections = [
        *_new_sections(sections, staying, placement),
        names._replace(offset=names_at, link=0, info=0),
    ]
    section_headers = b"".join(layout.section.pack(*section) for section in new_sections)
    shoff = -(-(names_at + names.size) // layout.word.size) * layout.word.size
    out_size = shoff + len(section_headers)
    placed = [*placement.kept, *placement.moved]
    gone = _ranges_after(layout.header.size, (s.extent for s in sections if s is not names))
    removed = _length(merge([*placed, *gone])) - _length(placed)
    if size - out_size + removed <= 0:
        return None
    new_header = header._replace(
        phoff=placement.offset(header.phoff),
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
        new_segments=_new_segments(tables, placement),
        kept=tuple(placement.kept),
        shifts=tuple(placement.shifts),
        moved=tuple(placement.moved),
        names=names.extent,
        name_offsets=_name_offsets(new_sections, names.size),
        section_headers=section_headers,
    )


def _stays(section: Section, machine: int) -> bool:
    if section.kind == SHT_NULL:
        return False
    attributes = _SHT_GNU_ATTRIBUTES, _MACHINE_ATTRIBUTES.get(machine)
    return bool(section.flags & _SHF_ALLOC) or section.kind in attributes


def _place(tables: Tables, staying: set[int]) -> _Placement:
    header_size, sections = tables.layout.header.size, tables.sections
    loaded = [tables.header.segments_extent, *(segment.extent for segment in tables.segments)]
    loaded += [sections[i].extent for i in staying if sections[i].flags & _SHF_ALLOC]
    end = max(end for _, end in merge(loaded))
    others = [sections[i].extent for i in staying]
    kept = _ranges_after(header_size, [*loaded, *(extent for extent in others if extent[0] < end)])
    return _Placement(kept, _shifts(tables, kept), _ranges_after(kept[-1][1], others))


def _shifts(tables: Tables, kept: list[Extent]) -> list[int]:
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
    return shifts


def _new_segments(tables: Tables, placement: _Placement) -> bytes:
    """The program headers with new offsets; nothing else of them is touched."""
    raw = bytearray(tables.raw_segments)
    word = tables.layout.word
    for index, segment in enumerate(tables.segments):
        # p_offset is the second word of either class.
        at = index * tables.header.phentsize + word.size
        word.pack_into(raw, at, placement.offset(segment.offset))
    return bytes(raw)


def _new_sections(
    sections: tuple[Section, ...], staying: set[int], placement: _Placement
) -> list[Section]:
    """Return the sections up to the last that stays, by index."""
    null = Section(*[0] * len(Section._fields))
    renewed = [null] * (max(staying, default=0) + 1)
    for index in staying:
        old = sections[index]
        # Elsewhere sh_info counts symbols or entries (gABI, sh_link and sh_info Interpretation).
        refers = old.kind in {_SHT_REL, _SHT_RELA} or old.flags & _SHF_INFO_LINK
        renewed[index] = old._replace(
            offset=placement.section_offset(old),
            link=old.link if old.link in staying else 0,
            info=old.info if old.info in staying or not refers else 0,
        )
    return renewed


def _ranges_after(first: int, ranges: Iterable[Extent]) -> list[Extent]:
    """Merge what ranges have from offset ``first`` on: the ELF header, say, is written anew."""
    return merge((max(start, first), end) for start, end in ranges)


def _length(ranges: list[Extent]) -> int:
    return sum(end - start for start, end in ranges)


def _name_offsets(sections: list[Section], size: int) -> tuple[int, ...]:
    offsets = sorted({section.name for section in sections if section.kind != SHT_NULL})
    if offsets[-1] >= size:
        fail(f"a section's name is at {offsets[-1]} of a name table of {size} bytes")
    return tuple(offsets)
