"""A report that was made up, of everything that a report can hold."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tests.bench.model import (
    Curve,
    Figure,
    Growth,
    Machine,
    Measured,
    Part,
    Point,
    Profile,
    Report,
    Row,
    Unit,
)

NS = {"svg": "http://www.w3.org/2000/svg"}
MACHINE = Machine(
    "2026-11-21", "a processor", 2, 8_000_000_000, "Linux 6.12", "ext4",
    (("goempy", "0.1.0"), ("Go", "1.26.0")),
)  # fmt: skip


def row(
    work: str, ours: float, peer: float | None, aim: float | None = None, limit: float | None = None
) -> Row:
    theirs = Measured("a peer", (0.9 * peer, peer, 1.1 * peer)) if peer else None
    return Row(work, Measured("goempy", (0.9 * ours, ours, 1.1 * ours)), theirs, aim, limit)


FIRST = Figure(
    "first-run", 'First run to `print("hello")`', Unit.SECONDS, "Nothing is extracted.",
    (row("same tree", 0.2, 1.8, 10), row("other tree", 0.1, 1.2, 10), row("shipped", 0.1, 4, 25)),
)  # fmt: skip
WARM = Figure(
    "warm", "Warm start", Unit.SECONDS, "Everything is extracted.",
    (row("same tree", 0.0018, 0.04, 5, 0.002),),
)  # fmt: skip
AGAIN = Figure(
    "again", "Again with only VERSION changed", Unit.BYTES, "What a release adds.",
    (row("eight lines | one", 48_300, None),),
)  # fmt: skip
STARTS = Growth(
    "starts", "Starts at once", "processes", Unit.SECONDS, "Medians of 3.",
    (
        Curve("a peer", tuple(Point(n, (0.9 * n, n, 1.1 * n)) for n in (1, 8, 64))),
        Curve("goempy", tuple(Point(n, (0.2 + 0.01 * n,)) for n in (1, 64))),
    ),
)  # fmt: skip
CELLS = Growth(
    "cells", "Memory of cells", "cells", Unit.BYTES, "Peaks.",
    (Curve("goempy", tuple(Point(n, (120e6 + 1e6 * n,)) for n in (1, 2, 4, 8, 16))),),
)  # fmt: skip
FIRST_RUN = Profile(
    "first-run", "A first run to `print`", "By Go's profiler.",
    (Part("extraction", 0.06), Part("self check", 0.02)),
    (
        ("runtime.main;main.main;zstd.(*Decoder).DecodeAll;runtime.memmove", 0.02),
        ("runtime.main;main.main;zstd.(*Decoder).DecodeAll", 0.05),
        ("runtime.main;main.main;sha256.blockSHANI", 0.029),
        ("runtime.main;main.main;tiny", 0.0001),
    ),
)  # fmt: skip
REPORT = Report(
    MACHINE, 9, (FIRST, WARM, AGAIN), (STARTS, CELLS), (FIRST_RUN,), ("musl: no peer has it.",)
)
WHY = {"first-run": "Decompression alone takes as long."}


def words(picture: bytes) -> list[str]:
    root = ET.fromstring(picture)  # noqa: S314 - drawn a moment before
    return ["".join(text.itertext()).strip() for text in root.iterfind(".//svg:text", NS)]
