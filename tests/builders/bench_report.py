"""A report that was made up, of everything that a report can hold."""

from __future__ import annotations

import functools
from xml.etree import ElementTree as ET

from tests.bench.model import Aims, Effort, Figure, Growth, Profile, Report, Row
from tests.bench.page import draw

NS = {"svg": "http://www.w3.org/2000/svg"}
MACHINE = (("date", "2026-11-21"), ("memory", "8.00 GB"), ("Go", "1.26.0"))


def row(
    work: str, ours: float, peer: float | None, limit: float | None = None, **aims: float
) -> Row:
    def values(middle: float | None) -> tuple[float, ...]:
        return (0.9 * middle, middle, 1.1 * middle) if middle else ()

    name = "a peer" if peer else ""
    return Row(
        work, values(ours), name, values(peer), values(limit), Aims(**aims) if aims else None
    )


FIRST = Figure(
    "first-run-hello",
    (
        row("same tree", 0.2, 1.8, lead=10),
        row("other tree", 0.1, 1.2, lead=10),
        row("shipped", 0.1, 4, 0.08, lead=25, within=1.3),
    ),
    alone=0.02,
    note="Made up.",
)
WARM = Figure("warm-start", (row("same tree", 0.0018, 0.04, lead=5, under=0.002),))
AGAIN = Figure("release-again-bytes", (row("eight lines", 48_300, None),))
STARTS = Growth(
    "starts",
    (1, 8, 64),
    {
        "a peer": tuple((0.9 * n, n, 1.1 * n) for n in (1, 8, 64)),
        "goempy": tuple((0.2 + 0.01 * n,) for n in (1, 8, 64)),
    },
)
CELLS = Growth(
    "cells-memory", (1, 2, 4, 8, 16), {"goempy": ((121e6,), (122e6,), (124e6,), (128e6,), (136e6,))}
)
FIRST_RUN = Profile(
    "first-run", "3.14.6", {"extraction": 0.06, "self check": 0.02}, (("zstd.decode", 0.05, 0.07),)
)
CELL = Profile("cell", "3.14.6/linux-amd64", {"compress": 19.0})


def report(*results: Figure | Growth | Profile, effort: Effort | None = None) -> Report:
    made = Report(MACHINE, effort or Effort())
    for each in results:
        made.add(each)
    return made


REPORT = report(FIRST, WARM, AGAIN, STARTS, CELLS, FIRST_RUN, CELL)


@functools.cache
def pictures() -> dict[str, bytes]:
    """The plots of ``REPORT``."""
    return draw(REPORT)


def words(picture: bytes) -> list[str]:
    root = ET.fromstring(picture)  # noqa: S314 - drawn a moment before
    return ["".join(text.itertext()).strip() for text in root.iterfind(".//svg:text", NS)]
