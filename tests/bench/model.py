"""What was measured, as data: ``results.json``. Times are in seconds, memory and sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from pydantic import TypeAdapter

Values = tuple[float, ...]  # one a run, in the order of the runs


@dataclass(frozen=True)
class Row:
    """The same work done by a peer (empty: none can do it) and by goempy, in turns.

    Ours is to be ``target`` times less, and under ``limit``; without either it is not judged.
    """

    work: str
    ours: Values
    peer: str = ""
    theirs: Values = ()
    target: float | None = None
    limit: float | None = None

    @property
    def ratio(self) -> float | None:
        """The median of the peer's value over ours, run by run; of differences that of medians."""
        if not self.peer:
            return None
        if min(self.ours) <= 0:
            return median(self.theirs) / median(self.ours) if median(self.ours) > 0 else None
        return median(a / b for a, b in zip(self.theirs, self.ours, strict=True))

    @property
    def reached(self) -> bool | None:
        """Whether the target is met; ``None`` without one."""
        if self.target is None and self.limit is None:
            return None
        enough = self.target is None or (self.ratio or 0) >= self.target
        return enough and (self.limit is None or median(self.ours) < self.limit)


@dataclass(frozen=True)
class Figure:
    """A table; ``alone`` is the time of the bare interpreter, ``note`` of this run only."""

    key: str
    rows: tuple[Row, ...]
    alone: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Growth:
    """How costs grow: of each contender the values at each place of the axis."""

    key: str
    at: tuple[int, ...]
    curves: dict[str, tuple[Values, ...]]


@dataclass(frozen=True)
class Profile:
    """The wall clock of one run by part; processor time of functions, and with what they call."""

    key: str
    subject: str
    parts: dict[str, float]
    functions: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True)
class Effort:
    """How much is measured. The short form shows that the bench works, and nothing else."""

    runs: int = 9
    few_runs: int = 3  # of what is drawn and not judged
    block_runs: int = 15  # of what takes milliseconds: their median is one value
    short: bool = False

    def some(self, places: tuple[int, ...]) -> tuple[int, ...]:
        """The places of an axis to measure at."""
        return places[:1] if self.short else places


FULL, SHORT = Effort(), Effort(runs=1, few_runs=1, block_runs=1, short=True)


@dataclass(frozen=True)
class Report:
    """One run of the bench; results are by their keys."""

    machine: tuple[tuple[str, str], ...]
    effort: Effort
    figures: dict[str, Figure] = field(default_factory=dict)
    growths: dict[str, Growth] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)

    def add(self, result: Figure | Growth | Profile) -> None:
        """Take a result, in place of an earlier one with its key."""
        kinds = {Figure: self.figures, Growth: self.growths, Profile: self.profiles}
        kinds[type(result)][result.key] = result  # type: ignore[index]


REPORT = TypeAdapter(Report)
