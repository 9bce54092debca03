"""Mach-O files written byte by byte: thin ones of each class and byte order, and fat ones."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

LOAD, WEAK, REEXPORT, LAZY, UPWARD = 0x0C, 0x80000018, 0x8000001F, 0x20, 0x80000023
ID, UUID, RPATH = 0x0D, 0x1B, 0x8000001C


@dataclass(frozen=True)
class Command:
    """A load command laid out as those with a library's name are, whatever its kind."""

    kind: int
    name: bytes


CPU_TYPES = {"amd64": 0x01000007, "arm64": 0x0100000C}


def thin(
    commands: Sequence[Command],
    bits: int = 64,
    order: str = "<",
    tail: bytes = b"",
    cpu_type: int = CPU_TYPES["arm64"],
) -> bytes:
    """A dynamic library with these load commands; ``tail`` are its segments."""
    body = b"".join(_command(command, bits // 8, order) for command in commands)
    magic, cpu = (0xFEEDFACF, cpu_type) if bits == 64 else (0xFEEDFACE, 18)
    header = struct.pack(f"{order}7I", magic, cpu, 0, 6, len(commands), len(body), 0x85)
    return header + bytes(4 if bits == 64 else 0) + body + tail


def _command(command: Command, word: int, order: str) -> bytes:
    name = command.name + bytes(word - len(command.name) % word)
    values = (command.kind, 24 + len(name), 24, 2, 0x10000, 0x10000)
    return struct.pack(f"{order}6I", *values) + name


def fat(slices: Sequence[bytes], bits: int = 32, *, descending: bool = False) -> bytes:
    """The slices as one file, 64 bytes aligned; ``descending`` puts the last first in the table."""
    form = ">IIIII" if bits == 32 else ">IIQQII"
    table: list[bytes] = []
    body = b""
    first = 8 + len(slices) * struct.calcsize(form)
    for number, part in enumerate(slices):
        body += bytes(-(first + len(body)) % 64)
        values = (number, 0, first + len(body), len(part), 6, 0)
        table.append(struct.pack(form, *values[: 5 if bits == 32 else 6]))
        body += part
    magic = 0xCAFEBABE if bits == 32 else 0xCAFEBABF
    rows = reversed(table) if descending else table
    return struct.pack(">2I", magic, len(slices)) + b"".join(rows) + body
