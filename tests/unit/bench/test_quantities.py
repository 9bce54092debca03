"""Measured values in words."""

# ruff: noqa: RUF001 - pictures and tables have multiplication signs and dashes

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.bench import quantities
from tests.bench.model import Aims


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0, "s", "0 ms"),
        (0.0000812, "s", "0.0812 ms"),
        (0.0018, "s", "1.80 ms"),
        (0.8124, "s", "812 ms"),
        (0.9996, "s", "1000 ms"),
        (1.0, "s", "1.00 s"),
        (83.26, "s", "83.3 s"),
        (1234.5, "s", "1230 s"),
        (-0.0004, "s", "\N{MINUS SIGN}0.400 ms"),
        (0, "B", "0 B"),
        (812, "B", "812 B"),
        (48_300, "B", "48.3 kB"),
        (15_250_000, "B", "15.2 MB"),
        (388_800_000, "B", "389 MB"),
        (8_000_000_000, "B", "8.00 GB"),
    ],
)
def test_quantities(value: float, unit: str, expected: str) -> None:
    assert quantities.quantity(value, unit) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.85, 0.801, 0.812), "812 ms (801\N{EN DASH}850)"),
        ((0.98, 1.02, 1.3), "1.02 s (0.980\N{EN DASH}1.30)"),
        ((0.5,), "500 ms"),
        ((0.5, 0.5001), "500 ms"),
    ],
)
def test_a_spread_is_in_the_unit_of_the_median(values: Sequence[float], expected: str) -> None:
    assert quantities.with_spread(values, "s") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5.6, "5.6"), (5.69, "5.6"), (9.999, "9.9"), (10, "10.0"), (172.9, "172"), (0.999, "0.99"),
     (1.005, "1.00"), (2.3, "2.3"), (-3.1, "\N{MINUS SIGN}3.10")],
)  # fmt: skip
def test_a_ratio_is_never_rounded_up(value: float, expected: str) -> None:
    assert quantities.ratio(value) == f"{expected} \N{MULTIPLICATION SIGN}"


def test_what_is_over_the_limit_is_never_rounded_down() -> None:
    shown = [quantities.excess(value) for value in (1.001, 1.2, 2.31, 172.1)]
    assert shown == [f"{each} {quantities.TIMES}" for each in ("1.01", "1.20", "2.4", "173")]


def test_what_there_is_none_of() -> None:
    assert quantities.ratio(None) == quantities.excess(None) == quantities.NOTHING
    assert quantities.aims(None, "s") == quantities.NOTHING


@pytest.mark.parametrize(
    ("aims", "unit", "expected"),
    [
        (Aims(lead=5, under=0.002), "s", "5 × less, < 2.0 ms"),
        (Aims(lead=1, within=1.1), "s", "no more than the peer, 1.1 × the limit"),
        (Aims(lead=0.5), "s", "at most 2 × the peer"),
        (Aims(under=35e6), "B", "< 35 MB"),
    ],
)
def test_aims(aims: Aims, unit: str, expected: str) -> None:
    assert quantities.aims(aims, unit) == expected.replace("×", quantities.TIMES)
