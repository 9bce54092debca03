"""What of a report has an aim, and how it was met."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.model import Figure, Report, Row


@dataclass(frozen=True)
class Judged:
    """A row that has an aim, and the figure that it is of."""

    figure: Figure
    row: Row

    @property
    def reached(self) -> bool:
        return bool(self.row.reached)

    @property
    def ratio(self) -> float:
        """Not a number where no peer can do it."""
        return math.nan if self.row.ratio is None else self.row.ratio


def judged(report: Report) -> list[Judged]:
    """All rows with an aim, in the report's order."""
    return [
        Judged(figure, row)
        for figure in report.figures
        for row in figure.rows
        if row.reached is not None
    ]


def closest_calls(report: Report) -> list[Judged]:
    """Of each figure and each aim one row: the best peer, or the tree that it leads least on.

    A missed row stands before a reached one.
    """
    return [min(group, key=_lead) for group in _by_aim(report)]


def missed_keys(report: Report) -> list[str]:
    """Keys of figures with at least one missed aim."""
    return list(dict.fromkeys(each.figure.key for each in judged(report) if not each.reached))


def _by_aim(report: Report) -> Iterator[list[Judged]]:
    groups: dict[tuple[str, float | None, float | None], list[Judged]] = {}
    for each in judged(report):
        aims = each.figure.key, each.row.aim, each.row.limit
        groups.setdefault(aims, []).append(each)
    yield from groups.values()


def _lead(each: Judged) -> tuple[bool, float]:
    ratio = each.row.ratio
    return each.reached, math.inf if ratio is None else ratio
