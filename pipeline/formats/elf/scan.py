"""ELF files: what they need at run time, and how to stream them without the rest.

Pure: bytes come from a forward-only ``read``, bytes go to a ``write``. ``scan`` looks at a file
once; it returns what the dynamic section says, and a frozen plan. ``strip`` reads the file a
second time and performs the plan.

Memory, beyond the tables: ``scan`` holds the loadable bytes that come before the dynamic section,
because the string table is among them and the dynamic section tells where. If the program headers
come late (llvm-bolt puts them behind the original segments), it holds what is before them, 64 MiB
at most. ``strip`` holds a chunk and the section names. Sizes that a file claims are believed only
as far as bytes really arrive.

Sources: System V gABI (ELF Header, Program Header, Dynamic Section), elf.h, Linux fs/binfmt_elf.c.
"""

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.formats.elf.stripping import StripPlan, make_plan
from pipeline.formats.elf.tables import (
    CHUNK_BYTES,
    SHT_NOBITS,
    ElfError,
    ElfLayout,
    Extent,
    ForwardReader,
    Header,
    Read,
    Section,
    Segment,
    Tables,
    fail,
    merge,
)

__all__ = ["MAGIC", "ElfError", "ElfFacts", "ElfScan", "StripPlan", "scan", "strip"]

MAGIC = b"\x7fELF"

_IDENT_BYTES = 16
_SEGMENTS_LIMIT_BYTES = 65536  # of program headers; Linux loads no file with more (load_elf_phdrs)
_INTERPRETER_LIMIT_BYTES = 4096  # PATH_MAX (load_elf_binary)
# Ours, far above what linkers make, so that no file decides how much memory is used: what precedes
# the program headers; a dynamic section, and its strings; the section names.
_LEAD_LIMIT_BYTES = 64 * 1024 * 1024
_DYNAMIC_LIMIT_BYTES = 1024 * 1024
_NAMES_LIMIT_BYTES = 1024 * 1024
_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_SHT_STRTAB, _SHF_EXECINSTR = 3, 4
_SHN_UNDEF, _SHN_LORESERVE = 0, 0xFF00
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_STRSZ = 0, 1, 5, 10
_DT_SONAME, _DT_RPATH, _DT_RUNPATH = 14, 15, 29


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """What the headers say.

    ``kind`` is e_type, ``machine`` is e_machine. ``needed`` is in the file's order; ``rpath`` and
    ``runpath`` are the entries between colons, ``$ORIGIN`` and empty entries as they are. Strings
    are decoded as file names are: UTF-8, with surrogate escapes. Only linked files (ET_EXEC,
    ET_DYN) have more than the first four.
    """

    bits: Literal[32, 64]
    byteorder: Literal["little", "big"]
    machine: int
    kind: int
    needed: tuple[str, ...] = ()
    soname: str | None = None
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    interpreter: str | None = None


@dataclass(frozen=True, slots=True)
class ElfScan:
    """The facts of a file, and how to strip it, or why it stays as it is (``note``)."""

    facts: ElfFacts
    strip: StripPlan | None
    note: str


def scan(read: Read, size: int) -> ElfScan:
    """Read an ELF file of ``size`` bytes, forward, and no further than needed.

    Raises ElfError when it is malformed or truncated, or when its program headers begin beyond
    64 MiB. Then the file is to stay as it is, and what it needs is unknown.
    """
    tape = ForwardReader(read, size)
    layout, header = _read_header(tape)
    facts = ElfFacts(layout.bits, layout.byteorder, header.machine, header.kind)
    if header.kind not in {_ET_EXEC, _ET_DYN}:
        return ElfScan(facts, None, "neither an executable nor a shared object")
    segments, raw_segments = _read_segments(tape, layout, header, size)
    facts = _read_dynamic(tape, layout, facts, segments, header.sections_extent)
    note = _note_on_headers(header, segments)
    if note:
        return ElfScan(facts, None, note)
    raw = tape.take(header.sections_extent)
    sections = tuple(Section._make(fields) for fields in layout.section.iter_unpack(raw))
    tables = Tables(layout, header, segments, sections, raw_segments)
    note = _note_on_sections(tables) or _note_on_rest(tape, tables, size)
    plan = None if note else make_plan(tables, size)
    return ElfScan(facts, plan, note if plan or note else "nothing would be saved")


def strip(read: Read, size: int, plan: StripPlan, write: Callable[[bytes], object]) -> None:
    """Read the file that ``plan`` was made for; write ``plan.out_size_bytes``, in pieces.

    Reads no further than needed. Raises ElfError when the size or the ELF header are not the
    plan's, before anything is written, or when the input ends early.
    """
    tape = ForwardReader(read, size)
    header_extent = 0, len(plan.old_header)
    tape.want([header_extent, plan.names])
    if size != plan.in_size_bytes or tape.take(header_extent) != plan.old_header:
        fail("the plan was made for another file")
    write(plan.new_header)
    position = len(plan.new_header)
    for (start, end), shift in zip(plan.kept, plan.shifts, strict=True):
        tape.advance(start)
        _write_zeros(write, start - shift - position)
        first, behind = plan.segments
        if start <= first and behind <= end:
            _copy(tape, first, write)
            tape.advance(behind)
            write(plan.new_segments)
        _copy(tape, end, write)
        position = end - shift
    for start, end in plan.moved:
        tape.advance(start)
        _copy(tape, end, write)
        position += end - start
    names = _only_names(tape.take(plan.names), plan.name_offsets)
    write(names)
    _write_zeros(write, plan.out_size_bytes - len(plan.section_headers) - position - len(names))
    write(plan.section_headers)


def _copy(tape: ForwardReader, end: int, write: Callable[[bytes], object]) -> None:
    for data in tape.pieces(end):
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


def _read_header(tape: ForwardReader) -> tuple[ElfLayout, Header]:
    tape.want([(0, 64)])
    layout = _layout(tape.take((0, _IDENT_BYTES)))
    header = Header._make(layout.header.unpack(tape.take((0, layout.header.size))))
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
    sign = "<" if order == 1 else ">"
    byteorder: Literal["little", "big"] = "little" if order == 1 else "big"
    if bits == 1:
        formats = "16sHHIIIIIHHHHHH", "III4xI8xI", "10I", "2I"
        return ElfLayout(32, byteorder, *(struct.Struct(sign + text) for text in formats))
    formats = "16sHHIQQQIHHHHHH", "I4xQQ8xQ8xQ", "IIQQQQIIQQ", "2Q"
    return ElfLayout(64, byteorder, *(struct.Struct(sign + text) for text in formats))


def _read_segments(
    tape: ForwardReader, layout: ElfLayout, header: Header, size: int
) -> tuple[tuple[Segment, ...], bytes]:
    start, end = header.segments_extent
    if end - start > _SEGMENTS_LIMIT_BYTES:
        fail(f"{header.phnum} program headers, more than any system loads")
    if start > _LEAD_LIMIT_BYTES:
        fail(f"the program headers come at byte {start}, too late to be read forward")
    tape.want([(0, end), header.sections_extent])
    raw = tape.take((start, end))
    segments = tuple(Segment._make(fields) for fields in layout.segment.iter_unpack(raw))
    _check_end([segment.extent for segment in segments], size)
    return segments, raw


def _check_end(extents: Iterable[Extent], size: int) -> int:
    """Return where the last of them ends, which must be in the file."""
    end = max((end for _, end in merge(extents)), default=0)
    if end > size:
        fail(f"its headers describe {end} bytes, the file has {size}")
    return end


def _read_dynamic(
    tape: ForwardReader,
    layout: ElfLayout,
    facts: ElfFacts,
    segments: tuple[Segment, ...],
    sections: Extent,
) -> ElfFacts:
    """Add what PT_INTERP and PT_DYNAMIC say. ``sections`` is remembered for later."""
    interpreter = _last(segments, _PT_INTERP)
    if interpreter[1] - interpreter[0] > _INTERPRETER_LIMIT_BYTES:
        fail("a program interpreter with too long a name")
    dynamic = _last(segments, _PT_DYNAMIC)
    if dynamic[1] - dynamic[0] > _DYNAMIC_LIMIT_BYTES:
        fail("a dynamic section above 1 MiB")
    loads = [segment for segment in segments if segment.kind == _PT_LOAD]
    # The string table is anywhere in these; what comes after the dynamic section need not be held.
    before = [(start, min(end, dynamic[1])) for start, end in (load.extent for load in loads)]
    tape.want([sections, interpreter, dynamic, *before])
    values = _dynamic_values(layout, tape.take(dynamic))
    strings = _string_extent(values, loads)
    tape.want([sections, interpreter, strings])
    if interpreter[0] < interpreter[1]:
        [path] = _strings(tape.take(interpreter), [0])
        facts = replace(facts, interpreter=path)
    return _with_strings(facts, values, tape.take(strings))


def _last(segments: tuple[Segment, ...], kind: int) -> Extent:
    """Where the segment of a kind is: of several the last, as glibc's loader; else empty."""
    extents = [segment.extent for segment in segments if segment.kind == kind]
    return extents[-1] if extents else (0, 0)


def _dynamic_values(layout: ElfLayout, raw: bytes) -> dict[int, list[int]]:
    values: defaultdict[int, list[int]] = defaultdict(list)
    if len(raw) % layout.dynamic.size:
        fail(f"a dynamic section of {len(raw)} bytes, which is no whole number of entries")
    for tag, value in layout.dynamic.iter_unpack(raw):
        if tag == _DT_NULL:
            break
        values[tag].append(value)
    return values


def _string_extent(values: dict[int, list[int]], loads: list[Segment]) -> Extent:
    """Where DT_STRTAB, an address, is in the file."""
    if not any(values.get(tag) for tag in (_DT_NEEDED, _DT_SONAME, _DT_RPATH, _DT_RUNPATH)):
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


def _with_strings(facts: ElfFacts, values: dict[int, list[int]], table: bytes) -> ElfFacts:
    def paths(tag: int) -> tuple[str, ...]:
        text = "".join(_strings(table, values.get(tag, [])[-1:]))
        return tuple(text.split(":")) if text else ()

    soname = _strings(table, values.get(_DT_SONAME, [])[-1:])
    return replace(
        facts,
        needed=tuple(_strings(table, values.get(_DT_NEEDED, []))),
        soname=soname[0] if soname else None,
        rpath=paths(_DT_RPATH),
        runpath=paths(_DT_RUNPATH),
    )


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
    """Why a file whose section headers are not read yet stays as it is, or ""."""
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
    """Why a file with these sections stays as it is, or ""."""
    sections, names_index = tables.sections, tables.header.shstrndx
    if names_index >= len(sections) or sections[names_index].kind != _SHT_STRTAB:
        fail(f"section {names_index} should hold the section names")
    if sections[names_index].size > _NAMES_LIMIT_BYTES:
        return "a section name table above 1 MiB"
    if any(section.kind == SHT_NOBITS and section.flags & _SHF_EXECINSTR for section in sections):
        return "its code is elsewhere: this file holds debug information for another"
    return ""


def _note_on_rest(tape: ForwardReader, tables: Tables, size: int) -> str:
    """Why a file stays as it is for what lies behind all that its headers describe, or "".

    Reads to the end of the file. Data there may be the archive of a self-extracting program, and
    is not ours to drop. Zeros are padding, as patchelf appends it.
    """
    header = tables.header
    extents = [header.segments_extent, header.sections_extent]
    extents += [segment.extent for segment in tables.segments]
    extents += [section.extent for section in tables.sections]
    tape.advance(_check_end(extents, size))
    if any(data.count(0) < len(data) for data in tape.pieces(size)):
        return "data follows the parts that its headers describe"
    return ""
