"""Measured values as people read them: times with their spread, sizes, ratios and aims."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median

from tests.bench.model import Aims

NOTHING = "—"
TIMES = "\N{MULTIPLICATION SIGN}"
_SCALES = {
    "s": (("s", 1.0), ("ms", 1e-3)),
    "B": (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0)),
}
"""Units that people read, by the unit of the data: the largest first."""


def scale(value: float, unit: str) -> tuple[str, float]:
    """The largest unit of which ``value`` is one or more, else the smallest; and its size."""
    return next((each for each in _SCALES[unit] if abs(value) >= each[1]), _SCALES[unit][-1])


def _number(value: float, name: str, size: float, digits: int = 3) -> str:
    """``value`` in a unit, with significant digits and never an exponent; bytes are whole."""
    rounded = float(f"{value / size:.{digits - 1}e}")
    exponent = math.floor(math.log10(abs(rounded))) if rounded else digits - 1
    places = 0 if name == "B" else max(0, digits - 1 - exponent)
    number = value if name == "B" else rounded
    return f"{number:.{places}f}".replace("-", "\N{MINUS SIGN}")


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """``812 ms``, ``14.5 MB``: a value and its unit."""
    name, size = scale(value, unit)
    return f"{_number(value, name, size, digits)} {name}"


def with_spread(values: Sequence[float], unit: str) -> str:
    """The median, and the lowest and highest value in brackets, in the same unit."""
    middle = median(values)
    low, high = (_number(each, *scale(middle, unit)) for each in (min(values), max(values)))
    spread = "" if low == high else f" ({low}\N{EN DASH}{high})"
    return f"{quantity(middle, unit)}{spread}"


def ratio(value: float | None) -> str:
    """How many times less, rounded down: never more than was measured."""
    return _times(value, math.floor, 1e-9)


def excess(value: float | None) -> str:
    """How many times more, rounded up."""
    return _times(value, math.ceil, -1e-9)


def _times(value: float | None, whole: Callable[[float], int], error: float) -> str:
    if value is None:
        return NOTHING
    places = 2 if value < 2 else 1 if value < 100 else 0
    # The error of a float such as 2.3 * 10 must not cost a digit.
    number = whole(value * 10**places + error) / 10**places
    return f"{number:.{places}f} {TIMES}".replace("-", "\N{MINUS SIGN}")


def aims(chosen: Aims | None, unit: str) -> str:
    """What a row is to reach: against the peer, against the limit, and as a value."""
    if chosen is None:
        return NOTHING
    wanted = []
    if chosen.lead is not None:
        more = "no more than" if chosen.lead == 1 else f"at most {1 / chosen.lead:g} {TIMES}"
        wanted.append(f"{chosen.lead:g} {TIMES} less" if chosen.lead > 1 else f"{more} the peer")
    if chosen.within is not None:
        wanted.append(f"{chosen.within:g} {TIMES} the limit")
    if chosen.under is not None:
        wanted.append(f"< {quantity(chosen.under, unit, 2)}")
    return ", ".join(wanted)
