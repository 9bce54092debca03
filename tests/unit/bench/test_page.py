"""BENCHMARKS.md from reports that were made up."""

# ruff: noqa: RUF001 - pictures and tables have multiplication signs and dashes

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from tests.bench.model import SHORT
from tests.bench.page import PAGE, PLOTS, TEXT, benchmarks_md, closest_calls, write_page
from tests.builders.bench_report import (
    AGAIN,
    CELLS,
    FIRST,
    FIRST_RUN,
    REPORT,
    WARM,
    pictures,
    report,
    row,
)


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its line of dashes."""
    section = page.partition(f"{heading}\n")[2]
    lines = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert lines, heading
    cells = [line.split("|")[1:-1] for line in lines[0].splitlines()]
    return [[cell.strip() for cell in line] for line in cells if line[0].strip("-")]


def test_the_closest_call_of_each_aim() -> None:
    calls = [(call.key, call.row.work, call.row.reached) for call in closest_calls(REPORT)]
    assert calls == [
        ("first-run-hello", "same tree", False),
        ("first-run-hello", "shipped", True),
        ("warm-start", "same tree", True),
    ]


def test_a_missed_row_is_closer_than_a_worse_ratio() -> None:
    slow = row("slow, but with a great lead", 0.003, 0.3, lead=5, under=0.002)
    (call,) = closest_calls(report(dataclasses.replace(WARM, rows=(*WARM.rows, slow))))
    assert call.row == slow


def test_the_summary_has_a_line_for_each_aim() -> None:
    page = benchmarks_md(REPORT)
    assert "\n2 of 3 aims are reached. " in page
    link = '[First run to `print("hello")`](#first-run-to-printhello)'
    warm = "[Warm start over the bare interpreter](#warm-start-over-the-bare-interpreter)"
    assert table(page, "## Summary") == [
        ["figure", "work", "best peer", "goempy", "lead", "limit", "of limit", "aim", "reached"],
        [link, "same tree", "1.80 s, a peer", "200 ms", "9.0 ×", "—", "—", "10 × less", "**no**"],
        [
            link,
            "shipped",
            "4.00 s, a peer",
            "100 ms",
            "40.0 ×",
            "80.0 ms",
            "1.25 ×",
            "25 × less, 1.3 × the limit",
            "yes",
        ],
        [
            warm,
            "same tree",
            "40.0 ms, a peer",
            "1.80 ms",
            "22.2 ×",
            "—",
            "—",
            "5 × less, < 2.0 ms",
            "yes",
        ],
    ]


def test_a_figure_has_a_line_for_each_row_and_says_how() -> None:
    page = benchmarks_md(REPORT)
    heading = '## First run to `print("hello")`'
    assert f"{heading}\n\nNothing is extracted;" in page
    assert "started directly, takes 20.0 ms. " in page
    assert "are under `taskset`. Made up.\n\n| work |" in page
    assert table(page, heading)[:2] == [
        ["work", "peer", "peer's value", "goempy", "lead", "limit", "of limit", "aim"],
        ["same tree", "a peer", "1.80 s (1.62–1.98)", "200 ms (180–220)", "9.0 ×", "—", "—",
         "10 × less, **missed**"],
    ]  # fmt: skip
    assert [line[-3:] for line in table(page, heading)[2:]] == [
        ["—", "—", "10 × less"],
        ["80.0 ms (72.0–88.0)", "1.25 ×", "25 × less, 1.3 × the limit"],
    ]


def test_columns_that_would_be_empty_are_left_out() -> None:
    heading = "## Release with only VERSION changed: bytes added to the repository"
    assert table(benchmarks_md(REPORT), heading) == [
        ["work", "goempy"],
        ["eight lines", "48.3 kB (43.5–53.1)"],
    ]


def test_the_reason_stands_below_what_is_missed_only() -> None:
    page = benchmarks_md(REPORT)
    assert page.count("\nMissed: ") == 1
    section = page.partition("## First run")[2].partition("\n## ")[0]
    assert section.endswith(f"\n\nMissed: {TEXT['figure']['first-run-hello']['missed']}\n")


def test_a_short_run_says_so() -> None:
    assert "its numbers mean nothing" in benchmarks_md(report(FIRST, effort=SHORT))
    assert "its numbers mean nothing" not in benchmarks_md(REPORT)


def test_every_reason_is_a_sentence() -> None:
    assert all(each.get("missed", ".").endswith(".") for each in TEXT["figure"].values())


def test_machine_versions_and_the_command() -> None:
    page = benchmarks_md(REPORT)
    assert "\n    python -m tests.bench\n" in page
    rows = [["", ""], ["date", "2026-11-21"], ["memory", "8.00 GB"], ["Go", "1.26.0"]]
    assert table(page, "## Measured on") == rows


def test_growth_is_a_table_too() -> None:
    page = benchmarks_md(REPORT)
    assert table(page, "### Processes that start at once, nothing extracted") == [
        ["processes", "a peer", "goempy"],
        ["1", "1.00 s (0.900–1.10)", "210 ms"],
        ["8", "8.00 s (7.20–8.80)", "280 ms"],
        ["64", "64.0 s (57.6–70.4)", "840 ms"],
    ]


def test_functions_of_a_profile_are_a_table_and_a_flame_graph_is_shown() -> None:
    page = benchmarks_md(REPORT)
    heading = '### A first run to `print("hello")`, Python 3.14.6 as shipped'
    assert table(page, heading)[1] == ["`zstd.decode`", "50.0 ms", "70.0 ms"]
    assert "(tests/bench/plots/flame-cell.svg)" in page


def test_what_was_not_measured_is_listed() -> None:
    listed = "".join(f"- {each}\n" for each in TEXT["not_measured"])
    assert benchmarks_md(REPORT).endswith(f"\n\n## Not measured\n\n{listed}")


def test_links_of_the_page_lead_somewhere() -> None:
    page = benchmarks_md(REPORT)
    shown = re.findall(r"!\[[^\]]+\]\(tests/bench/plots/([^)]+)\)", page)
    assert sorted(shown) == sorted([*pictures(), "flame-cell.svg"])
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    anchors = {re.sub(r'[`"():.]', "", each).lower().replace(" ", "-") for each in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= anchors


def test_writing_removes_plots_that_are_no_longer_made(tmp_path: Path) -> None:
    write_page(REPORT, tmp_path)
    folder = tmp_path / PLOTS
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == pictures()
    assert (tmp_path / PAGE).read_bytes().decode() == benchmarks_md(REPORT)
    (folder / "notes.txt").write_text("stays", "utf-8")
    (folder / "flame-cell.svg").write_text("stays", "utf-8")
    write_page(report(FIRST, AGAIN, CELLS, FIRST_RUN), tmp_path)
    assert {path.name for path in folder.iterdir()} == {
        "flame-cell.svg", "growth-cells-memory.svg", "notes.txt", "profile-first-run.svg",
        "ratios.svg", "summary.svg",
    }  # fmt: skip
