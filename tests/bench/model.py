"""What was measured, as data. Times are in seconds, memory and sizes in bytes."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pydantic import TypeAdapter


class Unit(enum.Enum):
    """What a figure's values are."""

    SECONDS = "s"
    BYTES = "B"


@dataclass(frozen=True)
class Measured:
    """One contender's values, in the order of the runs."""

    contender: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)


@dataclass(frozen=True)
class Row:
    """The same work done by a peer and by goempy, in turns."""

    work: str
    ours: Measured
    peer: Measured | None = None
    """``None`` where no peer can do it."""
    aim: float | None = None
    """How many times less ours is to be; ``None``: shown, not judged."""
    limit: float | None = None
    """What ours is to stay under, whatever the peer needs."""

    @property
    def ratio(self) -> float | None:
        """The peer's value over ours, run by run, of those the median.

        Of values that are differences, and may be less than nothing, the medians are compared.
        """
        if self.peer is None:
            return None
        if min(self.ours.values) <= 0:
            return self.peer.median / self.ours.median if self.ours.median > 0 else None
        pairs = zip(self.peer.values, self.ours.values, strict=True)
        return median(peer / ours for peer, ours in pairs)

    @property
    def reached(self) -> bool | None:
        """Whether the aim is met; ``None`` without one."""
        if self.aim is None and self.limit is None:
            return None
        near = self.limit is None or self.ours.median < self.limit
        far = self.aim is None or (self.ratio is not None and self.ratio >= self.aim)
        return near and far


@dataclass(frozen=True)
class Figure:
    """One question, and what each contender's answer was."""

    key: str
    title: str
    unit: Unit
    how: str
    """What exactly is run and what of it counts, in a sentence or two."""
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Point:
    """Values at one place of a curve's axis."""

    at: float
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)


@dataclass(frozen=True)
class Curve:
    """How one contender's values go along the axis."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Growth:
    """How a cost grows with what it depends on."""

    key: str
    title: str
    axis: str
    unit: Unit
    how: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Part:
    """A part of the time of a whole, by what it was spent on."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Profile:
    """Where the time of one run goes."""

    key: str
    title: str
    how: str
    parts: tuple[Part, ...]
    stacks: tuple[tuple[str, float], ...]
    """Folded stacks, outermost call first and cut with ``;``, and seconds of processor time."""


@dataclass(frozen=True)
class Machine:
    """What all was measured on."""

    date: str
    processor: str
    processors: int
    memory_bytes: int
    system: str
    file_system: str
    versions: tuple[tuple[str, str], ...]
    """Of goempy, the peers and the tools: name and version."""


@dataclass(frozen=True)
class Report:
    """One run of the bench."""

    machine: Machine
    runs: int
    figures: tuple[Figure, ...] = ()
    growths: tuple[Growth, ...] = ()
    profiles: tuple[Profile, ...] = ()
    not_measured: tuple[str, ...] = ()


_REPORT = TypeAdapter(Report)


def load_report(path: Path) -> Report:
    """What ``save_report`` has written; raises ``pydantic.ValidationError`` for anything else."""
    return _REPORT.validate_json(path.read_bytes())


def save_report(report: Report, path: Path) -> None:
    path.write_bytes(_REPORT.dump_json(report, indent=1) + b"\n")
