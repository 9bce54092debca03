"""The bench's pictures: complete, small, the same bytes twice."""

# ruff: noqa: RUF001 - pictures and tables have multiplication signs and dashes

from __future__ import annotations

import dataclasses
import re
from xml.etree import ElementTree as ET

import pytest

from tests.bench.flames import profile_svg
from tests.bench.model import Curve, Figure, Point, Report, Unit
from tests.bench.plots import growth_svg, ratios_svg, summary_svg
from tests.bench.sheet import fitted, width_of
from tests.harness.bench_report import CELLS, FIRST_RUN, MACHINE, NS, REPORT, STARTS, row, words

LARGEST_PLOT = 60_000
PICTURES = {
    "ratios": ratios_svg(REPORT),
    "summary": summary_svg(REPORT),
    "growth": growth_svg(STARTS),
    "profile": profile_svg(FIRST_RUN),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_stands_alone_and_is_small(name: str) -> None:
    text = PICTURES[name].decode()
    assert len(text) < LARGEST_PLOT
    root = ET.fromstring(text)  # noqa: S314 - drawn a moment before
    assert root.tag == f"{{{NS['svg']}}}svg"
    assert not re.search(r"<script|<image|@import|@font-face|\son\w+=|<dc:date>", text)
    assert set(re.findall(r'href="(.)', text)) <= {"#"}
    assert re.findall("font-family[^,]*", text) == ["font-family=\"'DejaVu Sans'"]
    # Its own light ground, so that dark pages do not shine through.
    ground = root.find(".//svg:g[@id='patch_1']/svg:path", NS)
    assert ground is not None
    assert "fill: #ffffff" in ground.get("style", "")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("ratios", "How many times less goempy needs"),
        ("summary", "How many times less goempy needs"),
        ("growth", "Starts at once"),
        ("profile", "A first run to print"),
    ],
)
def test_a_picture_has_its_title(name: str, title: str) -> None:
    assert title in words(PICTURES[name])
    assert f"<dc:title>{title}</dc:title>" in PICTURES[name].decode()


def test_the_same_report_gives_the_same_bytes() -> None:
    again = {
        "ratios": ratios_svg(REPORT),
        "summary": summary_svg(REPORT),
        "growth": growth_svg(STARTS),
        "profile": profile_svg(FIRST_RUN),
    }
    assert again == PICTURES


def test_every_judged_row_is_a_bar_with_its_ratio() -> None:
    found = words(PICTURES["ratios"])
    assert {'First run to print("hello")', "same tree", "other tree", "shipped"} <= set(found)
    assert {"9.0 × (aim 10 ×)", "12.0 ×", "40.0 ×", "22.2 ×, 1.80 ms"} <= set(found)
    assert "eight lines | one" not in found
    assert {"aim reached", "aim missed", "aim"} <= set(found)


def test_the_summary_has_a_bar_for_each_aim() -> None:
    found = words(PICTURES["summary"])
    assert {"9.0 × (aim 10 ×)", "40.0 ×", "22.2 ×, 1.80 ms"} <= set(found)
    assert "12.0 ×" not in found


def test_ratios_that_are_worse_than_the_peer_or_make_no_sense_can_be_drawn() -> None:
    rows = (row("worse", 2, 1, 1), row("no overhead at all", -0.001, 0.04, 5, 0.002))
    report = Report(MACHINE, 9, (Figure("k", "Title", Unit.SECONDS, "how", rows),))
    found = words(ratios_svg(report))
    assert "0.50 × (aim 1 ×)" in found
    assert any("no overhead" in each for each in found)


def test_long_names_are_cut_in_pictures() -> None:
    rows = (row("w" * 300, 1, 20, 10),)
    found = words(ratios_svg(Report(MACHINE, 9, (Figure("k", "t", Unit.BYTES, "how", rows),))))
    assert max(len(each) for each in found if each.startswith("ww")) < 60


def test_words_are_cut_to_a_width() -> None:
    assert fitted("extraction", 1000, 10) == "extraction"
    cut = fitted("extraction of everything", 60, 10)
    assert cut.endswith("…")
    assert width_of(cut, 10) <= 60
    assert fitted("extraction", 5, 10) == ""


def test_growth_within_one_order_is_linear_from_zero() -> None:
    found = words(growth_svg(CELLS))
    assert "0 MB" in found
    assert {"2", "4", "8", "16", "cells", "goempy"} <= set(found)
    assert not any("Logarithmic" in each for each in found)


def test_steep_growth_has_logarithmic_axes() -> None:
    found = words(PICTURES["growth"])
    assert any("Logarithmic axes" in each for each in found)
    assert {"1", "8", "64", "processes", "a peer", "goempy", "10 s"} <= set(found)


def test_labels_of_a_linear_axis_do_not_touch() -> None:
    curve = Curve("goempy", tuple(Point(n, (1.0,)) for n in (1, 2, 4, 8, 16, 32, 64)))
    found = words(growth_svg(dataclasses.replace(STARTS, curves=(curve,))))
    assert "64" in found
    assert not {"1", "2"} <= set(found)
