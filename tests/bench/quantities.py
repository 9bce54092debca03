"""Measured values as people read them: times with their spread, sizes, ratios and targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

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
    if value is None:
        return NOTHING
    places = 2 if value < 2 else 1 if value < 100 else 0
    # The error of a float such as 2.3 * 10 must not cost a digit.
    floor = math.floor(value * 10**places + 1e-9) / 10**places
    return f"{floor:.{places}f} {TIMES}".replace("-", "\N{MINUS SIGN}")


def target(factor: float | None, limit: float | None, unit: str) -> str:
    """The ratio to reach, and the value to stay under."""
    wanted = [] if factor is None else [f"{factor:g} {TIMES}"]
    wanted += [] if limit is None else [f"< {quantity(limit, unit, 2)}"]
    return ", ".join(wanted) or NOTHING
