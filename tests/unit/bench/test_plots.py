"""The bench's pictures: complete, small, the same bytes twice."""

# ruff: noqa: RUF001 - pictures and tables have multiplication signs and dashes

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from tests.bench.page import draw
from tests.builders.bench_report import FIRST, NS, REPORT, pictures, report, row, words

LARGEST_PLOT = 60_000


def test_a_picture_stands_alone_and_is_small() -> None:
    for data in pictures().values():
        text = data.decode()
        assert len(text) < LARGEST_PLOT
        root = ET.fromstring(text)  # noqa: S314 - drawn a moment before
        assert root.tag == f"{{{NS['svg']}}}svg"
        assert not re.search(r"<script|<image|@import|@font-face|\son\w+=|<dc:date>", text)
        assert set(re.findall(r'href="(.)', text)) <= {"#"}
        # Its own light ground, so that dark pages do not shine through.
        ground = root.find(".//svg:g[@id='patch_1']/svg:path", NS)
        assert ground is not None
        assert "fill: #ffffff" in ground.get("style", "")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("ratios", "How many times less goempy needs"),
        ("summary", "How many times less goempy needs"),
        ("growth-starts", "Processes that start at once, nothing extracted"),
        ("profile-first-run", 'A first run to print("hello"), Python 3.14.6 as shipped'),
    ],
)
def test_a_picture_has_its_title(name: str, title: str) -> None:
    assert title in words(pictures()[f"{name}.svg"])


def test_the_same_report_gives_the_same_bytes() -> None:
    assert draw(REPORT) == pictures()


def test_every_judged_row_is_a_bar_with_its_ratio() -> None:
    found = words(pictures()["ratios.svg"])
    assert {"same tree", "other tree", "shipped"} <= set(found)
    assert {"9.0 × (aim: 10 × less)", "12.0 ×", "40.0 ×", "22.2 ×, 1.80 ms"} <= set(found)
    assert "eight lines" not in found
    assert {"aim reached", "aim missed"} <= set(found)


def test_the_summary_has_a_bar_for_each_aim() -> None:
    found = words(pictures()["summary.svg"])
    assert {"9.0 × (aim: 10 × less)", "40.0 ×", "22.2 ×, 1.80 ms"} <= set(found)
    assert "12.0 ×" not in found


def test_ratios_that_are_worse_than_the_peer_or_make_no_sense_can_be_drawn() -> None:
    rows = (row("worse", 2, 1, lead=1), row("no overhead at all", -0.001, 0.04, lead=5))
    found = words(draw(report(type(FIRST)("warm-start", rows)))["ratios.svg"])
    assert "0.50 × (aim: no more than the peer)" in found
    assert any("no overhead" in each for each in found)


def test_growth_is_linear_from_zero() -> None:
    found = words(pictures()["growth-cells-memory.svg"])
    assert "0 B" in found
    assert {"cells", "goempy"} <= set(found)
    assert {"processes", "a peer", "goempy"} <= set(words(pictures()["growth-starts.svg"]))
