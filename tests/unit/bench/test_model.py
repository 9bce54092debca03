"""What was measured: ratios, aims, and the file that keeps it."""

from __future__ import annotations

from pathlib import Path

import pydantic
import pytest

from tests.bench.model import (
    Curve,
    Figure,
    Growth,
    Measured,
    Part,
    Point,
    Profile,
    Report,
    Row,
    Unit,
    load_report,
    save_report,
)
from tests.harness.bench_report import MACHINE


def row(ours: tuple[float, ...], peer: tuple[float, ...] | None, **judged: float) -> Row:
    measured = Measured("peer", peer) if peer else None
    return Row("work", Measured("goempy", ours), measured, **judged)


def test_a_ratio_is_taken_run_by_run() -> None:
    # Of the medians it would be 2; the machine was slow in the second turn, for both.
    assert row((1, 10, 2), (3, 30, 4)).ratio == 3
    assert row((1,), None).ratio is None


def test_differences_that_chance_made_negative_are_compared_by_their_medians() -> None:
    assert row((-1.0, 2.0, 3.0), (8.0, 8.0, 9.0)).ratio == 4
    assert row((-1.0, -2.0, 3.0), (8.0, 8.0, 9.0)).ratio is None


def test_a_ratio_needs_as_many_runs_of_both() -> None:
    with pytest.raises(ValueError, match="longer"):
        _ = row((1, 2), (3,)).ratio


@pytest.mark.parametrize(
    ("ours", "aim", "reached"),
    [(1.0, 5.0, True), (1.0001, 5.0, False), (0.5, 5.0, True), (5.0, 1.0, True)],
)
def test_an_aim_is_reached_at_the_aim_itself(ours: float, aim: float, *, reached: bool) -> None:
    assert row((ours,), (5.0,), aim=aim).reached is reached


@pytest.mark.parametrize(("ours", "reached"), [(1.999, True), (2.0, False), (2.1, False)])
def test_a_limit_is_to_be_stayed_under(ours: float, *, reached: bool) -> None:
    assert row((ours,), None, limit=2.0).reached is reached
    assert row((ours,), (100.0,), limit=2.0, aim=5.0).reached is reached


def test_both_have_to_be_met() -> None:
    assert row((1.0,), (4.0,), limit=2.0, aim=5.0).reached is False


def test_what_is_not_judged_is_neither_reached_nor_missed() -> None:
    assert row((1.0,), (100.0,)).reached is None


def test_an_aim_that_no_peer_stands_for_is_missed() -> None:
    assert row((1.0,), None, aim=2.0).reached is False


def test_medians() -> None:
    assert Measured("goempy", (9, 1, 2)).median == 2
    assert Point(4, (1, 2)).median == 1.5


def test_a_report_comes_back_from_its_file(tmp_path: Path) -> None:
    one = row((0.1, 0.2), (1 / 3, 2.0), aim=5.0, limit=0.002)
    report = Report(
        MACHINE,
        2,
        (Figure("key", 'to `print("hello")` …', Unit.SECONDS, "how", (one, row((1.5,), None))),),
        (Growth("g", "title", "cells", Unit.BYTES, "how", (Curve("c", (Point(1, (2, 3)),)),)),),
        (Profile("p", "title", "how", (Part("a", 0.25),), (("main;f", 0.5), ("main", 0.1))),),
        ("something",),
    )
    path = tmp_path / "results.json"
    save_report(report, path)
    assert load_report(path) == report
    written = path.read_bytes()
    save_report(load_report(path), path)
    assert path.read_bytes() == written
    assert written.endswith(b"}\n")


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text('{"machine": {}, "runs": "many"}', "utf-8")
    with pytest.raises(pydantic.ValidationError, match="runs"):
        load_report(path)
