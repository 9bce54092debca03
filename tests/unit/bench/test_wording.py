"""Measured values in words."""

# ruff: noqa: RUF001 - pictures and tables have multiplication signs and dashes

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.bench import wording
from tests.bench.model import Unit
from tests.harness.bench_report import row


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (0.0, Unit.SECONDS, "0 ms"),
        (0.0000812, Unit.SECONDS, "0.0812 ms"),
        (0.0018, Unit.SECONDS, "1.80 ms"),
        (0.8124, Unit.SECONDS, "812 ms"),
        (0.9996, Unit.SECONDS, "1000 ms"),
        (1.0, Unit.SECONDS, "1.00 s"),
        (83.26, Unit.SECONDS, "83.3 s"),
        (1234.5, Unit.SECONDS, "1230 s"),
        (-0.0004, Unit.SECONDS, "\N{MINUS SIGN}0.400 ms"),
        (0, Unit.BYTES, "0 B"),
        (812, Unit.BYTES, "812 B"),
        (48_300, Unit.BYTES, "48.3 kB"),
        (15_250_000, Unit.BYTES, "15.2 MB"),
        (388_800_000, Unit.BYTES, "389 MB"),
        (8_000_000_000, Unit.BYTES, "8.00 GB"),
    ],
)
def test_quantities(value: float, unit: Unit, told: str) -> None:
    assert wording.quantity(value, unit) == told


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((0.85, 0.801, 0.812), "812 ms (801\N{EN DASH}850)"),
        ((0.98, 1.02, 1.3), "1.02 s (0.980\N{EN DASH}1.30)"),
        ((0.5,), "500 ms"),
        ((0.5, 0.5001), "500 ms"),
    ],
)
def test_a_spread_is_in_the_unit_of_the_median(values: Sequence[float], told: str) -> None:
    assert wording.with_spread(values, Unit.SECONDS) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [(5.6, "5.6"), (5.69, "5.6"), (9.999, "9.9"), (10, "10.0"), (172.9, "172"), (0.999, "0.99"),
     (1.005, "1.00"), (2.3, "2.3"), (-3.1, "\N{MINUS SIGN}3.10")],
)  # fmt: skip
def test_a_ratio_is_never_rounded_up(value: float, told: str) -> None:
    assert wording.ratio(value) == f"{told} \N{MULTIPLICATION SIGN}"


def test_what_there_is_none_of() -> None:
    assert wording.ratio(None) == wording.NOTHING
    assert wording.aim(row("work", 1, 2), Unit.SECONDS) == wording.NOTHING


@pytest.mark.parametrize(
    ("aim", "limit", "told"),
    [(5, 0.002, "5 ×, < 2.0 ms"), (2.5, None, "2.5 ×"), (None, 35e6, "< 35 MB")],
)
def test_aims(aim: float | None, limit: float | None, told: str) -> None:
    unit = Unit.BYTES if aim is None else Unit.SECONDS
    assert wording.aim(row("work", 1, 2, aim, limit), unit) == told.replace("×", wording.TIMES)
