"""Mach-O files: what they ask for is found, and nothing that is malformed gets further."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.formats.forward_reader import BinaryFormatError, ForwardReader, Read
from pipeline.formats.macho import MAGICS, needed
from tests.builders.damage import damage, patched
from tests.builders.macho import (
    ID,
    LAZY,
    LOAD,
    REEXPORT,
    RPATH,
    UPWARD,
    UUID,
    WEAK,
    Command,
    fat,
    thin,
)
from tests.harness.go import Go

LAYOUTS = [(64, "<"), (32, "<"), (32, ">"), (64, ">")]
PYTHON = Command(LOAD, b"@rpath/libpython3.14.dylib")
SYSTEM = Command(LOAD, b"/usr/lib/libSystem.B.dylib")
TCL = Command(WEAK, b"@loader_path/../lib/libtcl9.0.dylib")
OWN = Command(ID, b"@rpath/me.dylib")
CODE = b"code " * 40


def needed_of(read: Read, size: int) -> tuple[str, ...]:
    return needed(ForwardReader(read, size))


def names(data: bytes) -> tuple[str, ...]:
    return needed_of(io.BytesIO(data).read, len(data))


@pytest.mark.parametrize(("bits", "order"), LAYOUTS)
def test_every_layout_is_read(bits: int, order: str) -> None:
    data = thin([OWN, PYTHON, TCL, SYSTEM], bits, order, CODE)
    assert data[:4] in MAGICS
    assert names(data) == (
        "@rpath/libpython3.14.dylib",
        "@loader_path/../lib/libtcl9.0.dylib",
        "/usr/lib/libSystem.B.dylib",
    )


def test_every_kind_of_load_counts_and_no_other_command() -> None:
    loads = [LOAD, WEAK, REEXPORT, LAZY, UPWARD]
    others = [ID, UUID, RPATH, 0x18, 0x1F, 0x23, LOAD | 0x80000000]
    commands = [Command(kind, b"%x" % kind) for kind in [*others, *loads, *others]]
    assert names(thin(commands)) == tuple(f"{kind:x}" for kind in loads)


def test_names_are_decoded_as_those_of_files() -> None:
    assert names(thin([Command(LOAD, "é".encode() + b"\xff")])) == ("é\udcff",)


def test_a_file_may_need_nothing() -> None:
    assert names(thin([])) == ()
    assert names(thin([OWN], tail=CODE)) == ()


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("descending", [False, True])
def test_a_fat_file_needs_what_its_architectures_need(bits: int, *, descending: bool) -> None:
    one = thin([SYSTEM, PYTHON], tail=CODE)
    other = thin([TCL, SYSTEM], 32, ">", CODE)
    data = fat([one, other], bits, descending=descending)
    assert data[:4] in MAGICS
    assert names(data) == (*names(one), "@loader_path/../lib/libtcl9.0.dylib")


def test_a_fat_static_library_is_refused() -> None:
    with pytest.raises(BinaryFormatError, match="begins with 21 3c 61 72"):
        names(fat([b"!<arch>\n" + CODE, b"!<arch>\n"]))


@pytest.mark.parametrize("version", [(0, 43), (3, 45), (0, 52), (65535, 69)])
def test_a_java_class_file_is_refused(version: tuple[int, int]) -> None:
    """Its magic is that of fat files."""
    for rest in (CODE, b""):
        with pytest.raises(BinaryFormatError):
            names(b"\xca\xfe\xba\xbe" + struct.pack(">2H", *version) + rest)


def test_many_architectures_are_still_fat() -> None:
    slices = [thin([Command(LOAD, b"%d" % number)]) for number in range(64)]
    assert names(fat(slices[:42])) == tuple(map(str, range(42)))
    assert names(fat(slices, 64)) == tuple(map(str, range(64)))


def test_it_does_not_matter_how_a_file_is_read() -> None:
    data = fat([thin([SYSTEM, PYTHON], tail=CODE), thin([TCL], 32, ">", CODE)])
    source = io.BytesIO(data)
    assert needed_of(lambda _: source.read(1), len(data)) == names(data)


def test_nothing_is_read_beyond_the_load_commands() -> None:
    inner = thin([SYSTEM])
    for data in (inner, fat([thin([PYTHON], tail=CODE), inner])):
        source = io.BytesIO(data + CODE)
        needed_of(source.read, len(data + CODE))
        assert source.tell() == len(data)


# --- malformed files --------------------------------------------------------

THIN = thin([SYSTEM, PYTHON])
FAT = fat([THIN, THIN])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "reaches to byte 4"),
        (b"\x7fELF", "begins with 7f 45 4c 46"),
        (b"\xbe\xba\xfe\xca" + FAT[4:], "begins with be ba fe ca"),
        (patched(THIN, 16, b"\3"), "3 load commands, of which 2"),
        (patched(THIN, 16, b"\xff\xff\xff\xff"), "of which 2"),
        (patched(THIN, 16, struct.pack("<2I", 3, len(THIN) - 32 + 7)) + bytes(7), "of which 2"),
        (patched(THIN, 20, struct.pack("<I", len(THIN) - 32 + 1)), "load commands up to byte"),
        (patched(THIN, 20, struct.pack("<I", (1 << 20) + 1)), "1048577 bytes of load commands"),
        (patched(THIN, 20, b"\xff\xff\xff\xff"), "bytes of load commands"),
        (patched(THIN, 36, b"\0"), "a load command of 0 bytes"),
        (patched(THIN, 36, b"\7"), "a load command of 7 bytes"),
        (patched(THIN, 36, b"\xff\xff"), "a load command of 65535 bytes"),
        (patched(THIN, 36, b"\x10"), "16 bytes for a library"),
        (patched(THIN, 40, b"\x17"), "name at byte 23"),
        (patched(THIN, 40, b"\xff\xff\xff\xff"), "name at byte 4294967295"),
        (patched(THIN, THIN.index(b"dylib\0") + 5, b"abcdef"), "name at byte 24"),
        (fat([]), "0 architectures"),
        (patched(fat([THIN] * 64, 64), 7, b"\x41"), "65 architectures"),
        (patched(FAT, 7, b"\x2a"), "reaches to byte"),
        (fat([THIN, FAT]), "begins with ca fe ba be"),
        (fat([THIN, CODE]), "begins with 63 6f"),
        (fat([THIN, b""]), "reaches to byte"),
        (fat([b"", THIN]), "up to 64"),
        (patched(FAT, 16, struct.pack(">I", 47)), "not free"),
        (patched(FAT, 16, struct.pack(">I", 0)), "not free"),
        (patched(FAT, 20, struct.pack(">I", len(FAT))), "not free"),
        (patched(FAT, 20, b"\xff\xff\xff\xff"), "not free"),
        (patched(FAT, 36, FAT[16:20]), "not free"),
        (patched(FAT, 40, struct.pack(">I", len(THIN) + 1)), "not free"),
        (patched(FAT, 20, struct.pack(">I", 40)), "load commands up to byte"),
    ],
)
def test_lies_are_told(data: bytes, why: str) -> None:
    with pytest.raises(BinaryFormatError, match=why):
        names(data)


@pytest.mark.parametrize("data", [THIN, thin([SYSTEM], 32, ">"), FAT, fat([THIN, THIN], 64)])
def test_what_ends_before_its_last_load_command_is_an_error(data: bytes) -> None:
    for size in range(len(data)):
        with pytest.raises(BinaryFormatError):
            names(data[:size])
        with pytest.raises(BinaryFormatError, match=f"ends at byte {size} of {len(data)}"):
            needed_of(io.BytesIO(data[:size]).read, len(data))


SMALL = [
    *[thin([OWN, PYTHON, TCL], bits, order) for bits, order in LAYOUTS],
    *[fat([THIN, thin([TCL], 32, ">")], bits) for bits in (32, 64)],
]


@given(st.integers(0, 1 << 64))
def test_damaged_files_are_understood_or_refused(seed: int) -> None:
    # Numbers of a seed cost less than those of a strategy.
    for number in range(15):
        check_damaged(random.Random(f"{seed} {number}"))


def check_damaged(chosen: random.Random) -> None:
    data = chosen.choice(SMALL)
    for _ in range(chosen.randint(1, 4)):
        data = patched(data, chosen.randint(0, 200), damage(chosen))
    size_error = chosen.choice([0, 0, -1, 3, 1 << 50])
    try:
        found = needed_of(io.BytesIO(data).read, len(data) + size_error)
    except BinaryFormatError:
        return
    assert len(found) <= 6


@pytest.mark.parametrize("at", [1 << 40, 1 << 60])
def test_a_size_that_lies_costs_nothing(at: int) -> None:
    data = patched(fat([THIN], 64), 16, struct.pack(">2Q", at, at))
    source = io.BytesIO(data)
    asked: list[int] = []

    def read(count: int) -> bytes:
        asked.append(count)
        return source.read(count)

    with pytest.raises(BinaryFormatError, match=f"ends at byte {len(data)} of"):
        needed_of(read, 1 << 62)
    assert max(asked) <= 1 << 20


def test_what_lies_between_architectures_is_not_held() -> None:
    data = fat([thin([SYSTEM], tail=bytes(40 << 20)), thin([PYTHON])])
    source = io.BytesIO(data)
    tracemalloc.start()
    try:
        found = needed_of(source.read, len(data))
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()
    assert found == names(THIN)


# --- a linked file ----------------------------------------------------------


def test_a_program_of_the_go_linker(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/hello\n\ngo 1.24\n")
    (tmp_path / "main.go").write_text('package main\n\nfunc main() { println("hello") }\n')
    go = Go(tmp_path / "modcache")
    go.run_for("darwin", "arm64", "build", "-buildvcs=false", "-o", "hello", ".", cwd=tmp_path)
    data = (tmp_path / "hello").read_bytes()
    assert "/usr/lib/libSystem.B.dylib" in names(data)
    assert names(fat([data, THIN])) == tuple(dict.fromkeys([*names(data), *names(THIN)]))
    program = thin([PYTHON], tail=data)
    assert names(program) == ("@rpath/libpython3.14.dylib",)
