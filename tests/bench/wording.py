"""Measured values in words: times with their spread, sizes, ratios and aims."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.model import Row, Unit

NOTHING = "—"
TIMES = "\N{MULTIPLICATION SIGN}"
_MINUS = "\N{MINUS SIGN}"
_TO = "\N{EN DASH}"


@dataclass(frozen=True)
class Scale:
    """A unit that people read, and how many of the model's units it is."""

    name: str
    size: float

    def number(self, value: float, digits: int = 3) -> str:
        """``value`` in this unit, without its name; bytes are whole."""
        if self.name == "B":
            return f"{value:.0f}".replace("-", _MINUS)
        return significant(value / self.size, digits)


SECONDS = (Scale("s", 1.0), Scale("ms", 1e-3))
BYTES = (Scale("GB", 1e9), Scale("MB", 1e6), Scale("kB", 1e3), Scale("B", 1.0))


def scale_for(value: float, unit: Unit) -> Scale:
    """The largest unit of which ``value`` is one or more, else the smallest."""
    scales = SECONDS if unit is Unit.SECONDS else BYTES
    return next((each for each in scales if abs(value) >= each.size), scales[-1])


def significant(value: float, digits: int = 3) -> str:
    """``digits`` significant digits, never an exponent: ``812``, ``81.2``, ``0.0812``."""
    if not value:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    places = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:.{places}f}".replace("-", _MINUS)


def quantity(value: float, unit: Unit, digits: int = 3) -> str:
    """``812 ms``, ``14.5 MB``: a value and its unit."""
    scale = scale_for(value, unit)
    return f"{scale.number(value, digits)} {scale.name}"


def with_spread(values: Sequence[float], unit: Unit) -> str:
    """The median, and the lowest and highest value in brackets, in the same unit."""
    middle = median(values)
    scale = scale_for(middle, unit)
    low, high = scale.number(min(values)), scale.number(max(values))
    if low == high:
        return quantity(middle, unit)
    return f"{quantity(middle, unit)} ({low}{_TO}{high})"


def ratio(value: float | None) -> str:
    """How many times less, rounded down: never told to be more than was measured."""
    if value is None:
        return NOTHING
    places = 2 if value < 2 else 1 if value < 100 else 0
    # What floats add to a decimal number, such as 2.3 * 10, is not to cost a digit.
    floor = math.floor(value * 10**places + 1e-9) / 10**places
    return f"{floor:.{places}f} {TIMES}".replace("-", _MINUS)


def aim(row: Row, unit: Unit) -> str:
    """The ratio that ours is to reach, and the value that it is to stay under."""
    wanted = [] if row.aim is None else [f"{row.aim:g} {TIMES}"]
    if row.limit is not None:
        wanted.append(f"< {quantity(row.limit, unit, 2)}")
    return ", ".join(wanted) or NOTHING
