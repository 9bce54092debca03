"""What was measured, as data: ``results.json``. Times are in seconds, memory and sizes in bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median

from pydantic import TypeAdapter

Values = tuple[float, ...]  # one a run, in the order of the runs


@dataclass(frozen=True)
class Aims:
    """Ours is to be ``lead`` times less than the peer's, and at most ``within`` times the limit.

    And it is to be below ``under``, in the row's unit.
    """

    lead: float | None = None
    within: float | None = None
    under: float | None = None


@dataclass(frozen=True)
class Row:
    """The same work done by a peer (empty: none can do it), by goempy, and by what is least.

    ``limit`` is what that took: programs in C that do the same with less checks, or a part of it
    that everyone has to do. Without aims a row is not judged.
    """

    work: str
    ours: Values
    peer: str = ""
    theirs: Values = ()
    limit: Values = ()
    aims: Aims | None = None

    @property
    def ratio(self) -> float | None:
        """The median of the peer's value over ours, run by run; of differences that of medians."""
        return _ratio(self.theirs, self.ours) if self.peer else None

    @property
    def excess(self) -> float | None:
        """How many times the limit ours is."""
        return _ratio(self.ours, self.limit) if self.limit else None

    @property
    def reached(self) -> bool | None:
        """Whether all aims are met; ``None`` without one."""
        if self.aims is None:
            return None
        lead, within, under = self.aims.lead, self.aims.within, self.aims.under
        return (
            (lead is None or (self.ratio or 0) >= lead)
            and (within is None or (self.excess or math.inf) <= within)
            and (under is None or median(self.ours) < under)
        )


def _ratio(more: Values, less: Values) -> float | None:
    if min(less) <= 0:
        return median(more) / median(less) if median(less) > 0 else None
    return median(a / b for a, b in zip(more, less, strict=True))


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
