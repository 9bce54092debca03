"""Which processor a program is for."""

from __future__ import annotations

import io
import struct

import pytest

from pipeline.formats.forward_reader import ForwardReader
from pipeline.formats.machine import goarch_of
from tests.builders.elf import Builder, amd64_program


def goarch(data: bytes) -> str:
    return goarch_of(ForwardReader(io.BytesIO(data).read, len(data)))


def mach_o(cputype: int) -> bytes:
    return b"\xcf\xfa\xed\xfe" + struct.pack("<I", cputype) + bytes(24)


def pe(machine: int, start: int = 0x80) -> bytes:
    return (
        b"MZ"
        + bytes(0x3A)
        + struct.pack("<I", start)
        + bytes(start - 64)
        + b"PE\0\0"
        + struct.pack("<H", machine)
    )


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (amd64_program(), "amd64"),
        (Builder(64, "little").build(), "riscv64"),
        (Builder(64, "big").build(), "s390x"),
        (Builder(32, "little").build(), "arm"),
        (mach_o(0x01000007), "amd64"),
        (mach_o(0x0100000C), "arm64"),
        (pe(0x8664), "amd64"),
        (pe(0xAA64), "arm64"),
        (pe(0x14C), "386"),
    ],
)  # fmt: skip
def test_programs(data: bytes, name: str) -> None:
    assert goarch(data) == name


@pytest.mark.parametrize(
    "data",
    [
        b"", b"#!/bin/sh\n", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"MZ",
        Builder(32, "big").build(),  # a machine that Go does not have
        mach_o(1), pe(1), pe(0x8664)[:-1], pe(0x8664).replace(b"PE\0\0", b"NE\0\0"),
        pe(0x8664, start=5000),
    ],
)  # fmt: skip
def test_everything_else_is_unknown(data: bytes) -> None:
    assert goarch(data) == ""
