"""Read an ELF file once: what its dynamic section says, and a plan that strips it.

Memory, beyond the tables: the loadable bytes that come before the dynamic section, because the
string table is among them and the dynamic section says where. If the program headers come late
(llvm-bolt puts them behind the original segments), what is before them, 64 MiB at most.

Sources: System V gABI (ELF Header, Program Header, Dynamic Section), elf.h, Linux fs/binfmt_elf.c.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.formats.elf.strip import StripPlan, plan_strip
from pipeline.formats.elf.tables import (
    SHT_NOBITS,
    ElfLayout,
    Header,
    Section,
    Segment,
    Tables,
)
from pipeline.formats.forward_reader import Extent, ForwardReader, fail, merge

MAGIC = b"\x7fELF"

_SEGMENTS_LIMIT_BYTES = 65536  # of program headers; Linux loads no file with more (load_elf_phdrs)
# Ours, far above what linkers make, so that no file decides how much memory is used: what precedes
# the program headers; a dynamic section, and its strings; the section names.
_LEAD_LIMIT_BYTES = 64 * 1024 * 1024
_DYNAMIC_LIMIT_BYTES = 1024 * 1024
_NAMES_LIMIT_BYTES = 1024 * 1024
_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD, _PT_DYNAMIC = 1, 2
_SHT_STRTAB, _SHF_EXECINSTR = 3, 4
_SHN_UNDEF, _SHN_LORESERVE = 0, 0xFF00
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_STRSZ = 0, 1, 5, 10
_DT_RPATH, _DT_RUNPATH = 15, 29


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """What the dynamic section of a linked file (ET_EXEC, ET_DYN) says.

    ``needed`` is in the file's order; ``rpath`` and ``runpath`` are the entries between colons,
    ``$ORIGIN`` and empty entries unchanged. Strings are decoded as file names are: UTF-8, with
    surrogate escapes.
    """

    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ElfScan:
    """The facts of a file, and how to strip it, or why it cannot be (``note``)."""

    facts: ElfFacts
    strip: StripPlan | None
    note: str


def scan(reader: ForwardReader) -> ElfScan:
    """Read an ELF file no further than needed.

    Raises BinaryFormatError when it is malformed or truncated, or when its program headers begin
    beyond 64 MiB.
    """
    layout, header = _read_header(reader)
    if header.kind not in {_ET_EXEC, _ET_DYN}:
        return ElfScan(ElfFacts(), None, "neither an executable nor a shared object")
    segments, raw_segments = _read_segments(reader, layout, header)
    facts = _read_dynamic(reader, layout, segments, header)
    note = _note_on_headers(header, segments)
    if note:
        return ElfScan(facts, None, note)
    raw = reader.take(header.sections_extent)
    sections = tuple(Section._make(fields) for fields in layout.section.iter_unpack(raw))
    tables = Tables(layout, header, segments, sections, raw_segments)
    note = _note_on_sections(tables) or _note_on_rest(reader, tables)
    plan = None if note else plan_strip(tables, reader.size)
    return ElfScan(facts, plan, note if plan or note else "nothing would be saved")


def _read_header(reader: ForwardReader) -> tuple[ElfLayout, Header]:
    reader.want([(0, 64)])
    layout = _layout(reader.take((0, 16)))
    header = Header._make(layout.header.unpack(reader.take((0, layout.header.size))))
    if header.version != 1 or header.ehsize != layout.header.size:
        fail(f"an ELF header of version {header.version} and {header.ehsize} bytes")
    if header.phnum and (header.phentsize != layout.segment.size or header.phoff < header.ehsize):
        fail(f"program headers of {header.phentsize} bytes each at {header.phoff}")
    if header.shnum and (header.shentsize != layout.section.size or header.shoff < header.ehsize):
        fail(f"section headers of {header.shentsize} bytes each at {header.shoff}")
    return layout, header


def _layout(ident: bytes) -> ElfLayout:
    """Read e_ident (gABI, ELF Identification)."""
    bits, order, version = ident[4:7]
    if not ident.startswith(MAGIC) or bits not in {1, 2} or order not in {1, 2} or version != 1:
        fail(f"no ELF file of a known class, byte order and version: {ident[:7].hex(' ')}")
    formats = (
        ("16sHHIIIIIHHHHHH", "III4xI8xI", "10I", "2I", "I")
        if bits == 1
        else ("16sHHIQQQIHHHHHH", "I4xQQ8xQ8xQ", "IIQQQQIIQQ", "2Q", "Q")
    )
    return ElfLayout._make(struct.Struct(" <>"[order] + text) for text in formats)


def _read_segments(
    reader: ForwardReader, layout: ElfLayout, header: Header
) -> tuple[tuple[Segment, ...], bytes]:
    start, end = header.segments_extent
    if end - start > _SEGMENTS_LIMIT_BYTES:
        fail(f"{header.phnum} program headers, more than any system loads")
    if start > _LEAD_LIMIT_BYTES:
        fail(f"the program headers come at byte {start}, too late to be read forward")
    reader.want([(0, end), header.sections_extent])
    raw = reader.take((start, end))
    segments = tuple(Segment._make(fields) for fields in layout.segment.iter_unpack(raw))
    _checked_end([segment.extent for segment in segments], reader.size)
    return segments, raw


def _checked_end(extents: Iterable[Extent], size: int) -> int:
    """Return where the last of them ends, which must be in the file."""
    end = max((end for _, end in merge(extents)), default=0)
    if end > size:
        fail(f"its headers describe {end} bytes, the file has {size}")
    return end


def _read_dynamic(
    reader: ForwardReader, layout: ElfLayout, segments: tuple[Segment, ...], header: Header
) -> ElfFacts:
    """Read what PT_DYNAMIC points to. The section headers stay remembered for later."""
    sections = header.sections_extent
    found = [segment.extent for segment in segments if segment.kind == _PT_DYNAMIC]
    dynamic = found[-1] if found else (0, 0)  # of several the last, as glibc's loader
    if dynamic[1] - dynamic[0] > _DYNAMIC_LIMIT_BYTES:
        fail("a dynamic section above 1 MiB")
    loads = [segment for segment in segments if segment.kind == _PT_LOAD]
    # The string table is anywhere in these; what comes after the dynamic section need not be held.
    before = [(start, min(end, dynamic[1])) for start, end in (load.extent for load in loads)]
    reader.want([sections, dynamic, *before])
    values = _dynamic_values(layout, reader.take(dynamic))
    strings = _string_extent(values, loads)
    headers = (0, header.ehsize), header.segments_extent
    if any(_overlap(part, each) for part in (dynamic, strings) for each in headers):
        fail("its dynamic section or dynamic strings overlap its headers")
    reader.want([sections, strings])
    table = reader.take(strings)

    def paths(tag: int) -> tuple[str, ...]:
        text = "".join(_strings(table, values.get(tag, [])[-1:]))
        return tuple(text.split(":")) if text else ()

    needed = _strings(table, values.get(_DT_NEEDED, []))
    return ElfFacts(tuple(needed), paths(_DT_RPATH), paths(_DT_RUNPATH))


def _overlap(one: Extent, other: Extent) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1])


def _dynamic_values(layout: ElfLayout, raw: bytes) -> dict[int, list[int]]:
    values: defaultdict[int, list[int]] = defaultdict(list)
    if len(raw) % layout.dynamic.size:
        fail(f"a dynamic section of {len(raw)} bytes, which is not a whole number of entries")
    for tag, value in layout.dynamic.iter_unpack(raw):
        if tag == _DT_NULL:
            break
        values[tag].append(value)
    return values


def _string_extent(values: dict[int, list[int]], loads: list[Segment]) -> Extent:
    """Where DT_STRTAB, an address, is in the file."""
    if not values.keys() & {_DT_NEEDED, _DT_RPATH, _DT_RUNPATH}:
        return 0, 0
    if _DT_STRTAB not in values or _DT_STRSZ not in values:
        fail("a dynamic section without a string table")
    address, size = values[_DT_STRTAB][-1], values[_DT_STRSZ][-1]
    # patchelf puts the table across two segments that continue each other in file and memory.
    for shift in {load.vaddr - load.offset for load in loads}:
        same = [load.extent for load in loads if load.vaddr - load.offset == shift]
        start = address - shift
        if any(first <= start and start + size <= end for first, end in merge(same)):
            return start, start + size
    return fail(f"the dynamic string table, at address {address:#x}, is in no segment")


def _strings(table: bytes, offsets: list[int]) -> list[str]:
    """Return the NUL-terminated strings at ``offsets``, 1 MiB of them at most: they may overlap."""
    found = []
    left = _DYNAMIC_LIMIT_BYTES
    for offset in offsets:
        end = table.find(b"\0", offset, offset + left)
        if end < 0:
            fail(f"a string at byte {offset} of its table has no end")
        left -= end - offset
        found.append(table[offset:end].decode("utf-8", "surrogateescape"))
    return found


def _note_on_headers(header: Header, segments: tuple[Segment, ...]) -> str:
    """Why a file whose section headers are not read yet cannot be stripped, or ""."""
    if not any(segment.kind == _PT_LOAD and segment.filesz for segment in segments):
        return "nothing in it is loaded"
    if not header.shoff:
        return "no section headers"
    if not header.shnum or max(header.shnum, header.shstrndx) >= _SHN_LORESERVE:
        return "extended section numbering"
    if header.shstrndx == _SHN_UNDEF:
        return "sections without names"
    return ""


def _note_on_sections(tables: Tables) -> str:
    """Why a file with these sections cannot be stripped, or ""."""
    sections, names_index = tables.sections, tables.header.shstrndx
    if names_index >= len(sections) or sections[names_index].kind != _SHT_STRTAB:
        fail(f"section {names_index} should hold the section names")
    if sections[names_index].size > _NAMES_LIMIT_BYTES:
        return "a section name table above 1 MiB"
    if any(section.kind == SHT_NOBITS and section.flags & _SHF_EXECINSTR for section in sections):
        return "its code is elsewhere: this file holds debug information for another"
    return ""


def _note_on_rest(reader: ForwardReader, tables: Tables) -> str:
    """Why a file cannot be stripped for what lies behind all that its headers describe, or "".

    Reads to the end of the file. Data there may be the archive of a self-extracting program, and
    is not ours to drop. Zeros are padding, as patchelf appends it.
    """
    header = tables.header
    extents = [header.segments_extent, header.sections_extent]
    extents += [segment.extent for segment in tables.segments]
    extents += [section.extent for section in tables.sections]
    reader.advance(_checked_end(extents, reader.size))
    if any(data.count(0) < len(data) for data in reader.pieces(reader.size)):
        return "data follows the parts that its headers describe"
    return ""
