"""What was measured: ratios, targets, and the file that keeps it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pydantic
import pytest

from tests.bench.model import REPORT, Aims, Row
from tests.builders import bench_report


def row(ours: tuple[float, ...], peer: tuple[float, ...] | None, **judged: float) -> Row:
    aims = Aims(**judged) if judged else None
    return Row("work", ours, "peer" if peer else "", peer or (), aims=aims)


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
    ("ours", "lead", "reached"),
    [(1.0, 5.0, True), (1.0001, 5.0, False), (0.5, 5.0, True), (5.0, 1.0, True)],
)
def test_a_lead_is_reached_at_the_lead_itself(ours: float, lead: float, *, reached: bool) -> None:
    assert row((ours,), (5.0,), lead=lead).reached is reached


@pytest.mark.parametrize(("ours", "reached"), [(1.1, True), (1.11, False), (0.9, True)])
def test_ours_is_at_most_so_many_times_the_limit(ours: float, *, reached: bool) -> None:
    made = dataclasses.replace(row((ours,), None, within=1.1), limit=(1.0,))
    assert made.excess == ours
    assert made.reached is reached


@pytest.mark.parametrize(("ours", "reached"), [(1.999, True), (2.0, False), (2.1, False)])
def test_a_value_is_to_be_stayed_under(ours: float, *, reached: bool) -> None:
    assert row((ours,), None, under=2.0).reached is reached
    assert row((ours,), (100.0,), under=2.0, lead=5.0).reached is reached


def test_all_aims_have_to_be_met() -> None:
    assert row((1.0,), (4.0,), under=2.0, lead=5.0).reached is False


def test_what_is_not_judged_is_neither_reached_nor_missed() -> None:
    assert row((1.0,), (100.0,)).reached is None


def test_an_aim_without_what_it_is_measured_against_is_missed() -> None:
    assert row((1.0,), None, lead=2.0).reached is False
    assert row((1.0,), None, within=2.0).reached is False


def test_a_report_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(REPORT.dump_json(bench_report.REPORT))
    assert REPORT.validate_json(path.read_bytes()) == bench_report.REPORT


def test_a_result_takes_the_place_of_an_earlier_one() -> None:
    made = bench_report.report(bench_report.FIRST, bench_report.STARTS)
    newer = dataclasses.replace(bench_report.FIRST, note="newer")
    made.add(newer)
    assert [*made.figures.values()] == [newer]
    assert [*made.growths.values()] == [bench_report.STARTS]


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text('{"machine": [], "effort": "many"}', "utf-8")
    with pytest.raises(pydantic.ValidationError, match="effort"):
        REPORT.validate_json(path.read_bytes())
