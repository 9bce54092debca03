"""BENCHMARKS.md from reports that were made up."""

# ruff: noqa: RUF001 - pictures and tables have multiplication signs and dashes

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from tests.bench import wording
from tests.bench.judged import closest_calls, missed_keys
from tests.bench.model import Report
from tests.bench.reasons import REASONS, UnexplainedError
from tests.bench.render import PAGE, PLOTS, benchmarks_md, plots, write_report
from tests.harness.bench_report import AGAIN, CELLS, FIRST, MACHINE, REPORT, WARM, WHY, row


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its line of dashes."""
    section = page.partition(f"{heading}\n")[2]
    lines = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert lines, heading
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[0].splitlines()]
    return [[cell.strip() for cell in line] for line in cells if line[0].strip("-")]


def test_the_closest_call_of_each_aim() -> None:
    calls = [(call.figure.key, call.row.work, call.reached) for call in closest_calls(REPORT)]
    assert calls == [
        ("first-run", "same tree", False),
        ("first-run", "shipped", True),
        ("warm", "same tree", True),
    ]


def test_a_missed_row_is_closer_than_a_worse_ratio() -> None:
    slow = row("slow, but with a great lead", 0.003, 0.3, 5, 0.002)
    figure = dataclasses.replace(WARM, rows=(*WARM.rows, slow))
    (call,) = closest_calls(Report(MACHINE, 9, (figure,)))
    assert call.row == slow
    assert missed_keys(Report(MACHINE, 9, (figure, FIRST, AGAIN))) == ["warm", "first-run"]


def test_the_summary_has_a_line_for_each_aim() -> None:
    page = benchmarks_md(REPORT, WHY)
    assert "\n2 of 3 aims are reached. " in page
    link = '[First run to `print("hello")`](#first-run-to-printhello)'
    assert table(page, "## Summary") == [
        ["figure", "work", "best peer", "goempy", "ratio", "aim", "reached"],
        [link, "same tree", "1.80 s, a peer", "200 ms", "9.0 ×", "10 ×", "**no**"],
        [link, "shipped", "4.00 s, a peer", "100 ms", "40.0 ×", "25 ×", "yes"],
        ["[Warm start](#warm-start)", "same tree", "40.0 ms, a peer", "1.80 ms", "22.2 ×",
         "5 ×, < 2.0 ms", "yes"],
    ]  # fmt: skip


def test_a_figure_has_a_line_for_each_row_and_says_how() -> None:
    page = benchmarks_md(REPORT, WHY)
    heading = '## First run to `print("hello")`'
    assert f"{heading}\n\nNothing is extracted.\n\n| work |" in page
    assert table(page, heading)[:2] == [
        ["work", "peer", "peer's value", "goempy", "ratio", "aim"],
        ["same tree", "a peer", "1.80 s (1.62–1.98)", "200 ms (180–220)", "9.0 ×",
         "10 ×, **missed**"],
    ]  # fmt: skip
    assert [line[-1] for line in table(page, heading)[2:]] == ["10 ×", "25 ×"]


def test_columns_that_would_be_empty_are_left_out() -> None:
    page = benchmarks_md(REPORT, WHY)
    assert table(page, "## Again with only VERSION changed") == [
        ["work", "goempy"],
        [r"eight lines \| one", "48.3 kB (43.5–53.1)"],
    ]


def test_the_reason_stands_below_what_is_missed_only() -> None:
    page = benchmarks_md(REPORT, {**WHY, "warm": "not to be seen"})
    assert page.count("\nMissed: ") == 1
    section = page.partition("## First run")[2].partition("\n## ")[0]
    assert section.endswith("\n\nMissed: Decompression alone takes as long.\n")
    assert "not to be seen" not in page


def test_missed_aims_without_a_reason_are_all_named(tmp_path: Path) -> None:
    late = dataclasses.replace(WARM, rows=(row("same tree", 0.01, 0.04, 5, 0.002),))
    report = dataclasses.replace(REPORT, figures=(FIRST, late, AGAIN))
    with pytest.raises(UnexplainedError, match=r"first-run, warm.*reasons\.py") as caught:
        write_report(report, tmp_path, {})
    assert caught.value.keys == ("first-run", "warm")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UnexplainedError, match="reason: warm"):
        benchmarks_md(report, WHY)


def test_a_short_run_says_so_and_needs_no_reasons() -> None:
    page = benchmarks_md(dataclasses.replace(REPORT, runs=2), {})
    assert "its numbers tell nothing" in page
    assert "its numbers tell nothing" not in benchmarks_md(REPORT, WHY)


def test_every_reason_is_a_sentence() -> None:
    assert all(reason.endswith(".") for reason in REASONS.values())


def test_machine_versions_and_the_command() -> None:
    page = benchmarks_md(REPORT, WHY)
    assert "\n    python -m tests.bench\n" in page
    assert table(page, "## Measured on") == [
        ["", ""],
        ["date", "2026-11-21"],
        ["processor", "a processor"],
        ["cores", "2"],
        ["memory", "8.00 GB"],
        ["system", "Linux 6.12"],
        ["file system", "ext4"],
        ["goempy", "0.1.0"],
        ["Go", "1.26.0"],
    ]


def test_growth_is_a_table_too() -> None:
    page = benchmarks_md(REPORT, WHY)
    assert table(page, "### Starts at once") == [
        ["processes", "a peer", "goempy"],
        ["1", "1.00 s (0.900–1.10)", "210 ms"],
        ["8", "8.00 s (7.20–8.80)", wording.NOTHING],
        ["64", "64.0 s (57.6–70.4)", "840 ms"],
    ]


def test_what_was_not_measured_is_listed() -> None:
    assert benchmarks_md(REPORT, WHY).endswith("\n\n## Not measured\n\n- musl: no peer has it.\n")
    assert "Not measured" not in benchmarks_md(Report(MACHINE, 9))


def test_links_of_the_page_lead_somewhere() -> None:
    page = benchmarks_md(REPORT, WHY)
    shown = re.findall(r"!\[[^\]]+\]\(tests/bench/plots/([^)]+)\)", page)
    assert sorted(shown) == sorted(plots(REPORT))
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    anchors = {re.sub(r'[`"().]', "", each).lower().replace(" ", "-") for each in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= anchors


def test_a_report_of_nothing_is_a_page() -> None:
    page = benchmarks_md(Report(MACHINE, 9))
    assert "## Summary" not in page
    assert plots(Report(MACHINE, 9)) == {}


def test_writing_removes_plots_that_are_no_longer_made(tmp_path: Path) -> None:
    write_report(REPORT, tmp_path, WHY)
    folder = tmp_path / PLOTS
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert made == plots(REPORT)
    assert (tmp_path / PAGE).read_bytes().decode() == benchmarks_md(REPORT, WHY)
    (folder / "notes.txt").write_text("stays", "utf-8")
    write_report(dataclasses.replace(REPORT, growths=(CELLS,)), tmp_path, WHY)
    assert {path.name for path in folder.iterdir()} == {
        "growth-cells.svg", "notes.txt", "profile-first-run.svg", "ratios.svg", "summary.svg",
    }  # fmt: skip
