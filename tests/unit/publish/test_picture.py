"""The picture: true lengths, words beside every bar, and nothing from elsewhere."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree as ET

import pytest

from pipeline.publish.breakdown import Breakdown, ContentSize, FileKind, break_down
from pipeline.publish.picture import SPAN, WIDTH, draw
from pipeline.publish.sizes import StepRow
from pipeline.system.units import human_bytes

NS = {"svg": "http://www.w3.org/2000/svg"}
ROW = StepRow("3.14.9/linux-amd64", 99_900_000, 388_800_000, 127_900_000, 127_000_000, 25_500_000)
SMALL = StepRow("3.14.9/windows-amd64", 13_400_000, 36_400_000, 31_400_000, 31_400_000, 9_000_000)
CONTENTS = (
    ContentSize(FileKind.PROGRAM, "(interpreter)", 116_000_000, 22_600_000),
    ContentSize(FileKind.EXTENSION, "(extension modules)", 1_500_000, 629_700),
    ContentSize(FileKind.SOURCE, "json", 9_500_000, 2_300_000),
    ContentSize(FileKind.SOURCE, "asyncio", 1_000, 400),
    ContentSize(FileKind.BYTECODE, "json", 500_000, 100_000),
    ContentSize(FileKind.LICENCE, "(licences)", 13_800, 4_200),
    ContentSize(FileKind.DATA, "(other files)", 25_700, 9_600),
)
PARTS = break_down(ROW.name, CONTENTS)


def parsed(*rows: StepRow, parts: Breakdown = PARTS) -> ET.Element:
    return ET.fromstring(draw(rows, parts))  # noqa: S314 - made a line before


def bars(root: ET.Element, role: str) -> list[float]:
    return [float(rect.get("width", "")) for rect in root.findall(f"svg:rect[@class='{role}']", NS)]


def words(root: ET.Element) -> list[str]:
    return [text.text or "" for text in root.findall("svg:text", NS)]


def test_bars_are_proportional_over_all_cells() -> None:
    root = parsed(ROW, SMALL)
    sizes = [
        size
        for row in (ROW, SMALL)
        for size in (row.archive, row.unpacked, row.trimmed, row.stripped, row.packed)
        if size is not None
    ]
    assert bars(root, "step") == pytest.approx(
        [size / 388_800_000 * SPAN for size in sizes], abs=0.01
    )
    packages = [share.packed_bytes or 0 for share in PARTS.packages]
    assert bars(root, "package") == pytest.approx(
        [size / 22_600_000 * SPAN for size in packages], abs=0.01
    )


def test_every_bar_has_its_size_in_words() -> None:
    found = words(parsed(ROW, SMALL))
    shown = [row.unpacked or 0 for row in (ROW, SMALL)]
    shown += [share.packed_bytes or 0 for share in PARTS.packages]
    assert {human_bytes(size) for size in shown} <= set(found)
    assert {"3.14.9/linux-amd64", "3.14.9/windows-amd64", "json", "(interpreter)"} <= set(found)


def test_stacked_bars_are_of_full_length_and_in_the_same_order() -> None:
    root = parsed(ROW)
    total = PARTS.total
    for role, whole in (("uncompressed", total.plain_bytes), ("packed", total.packed_bytes or 0)):
        sizes = [s.plain_bytes if role == "uncompressed" else s.weight for s in PARTS.kinds]
        assert bars(root, role) == pytest.approx([s / whole * SPAN for s in sizes], abs=0.01)
        assert sum(bars(root, role)) == pytest.approx(SPAN, abs=0.05)
    assert len(bars(root, "key")) == len(FileKind)
    assert "88.1 %" in words(root)


def test_kinds_are_told_apart_by_colour() -> None:
    keys = parsed(ROW).findall("svg:rect[@class='key']", NS)
    assert len({key.get("fill") for key in keys}) == len(FileKind)


def test_what_is_drawn_stays_inside() -> None:
    root = parsed(ROW, SMALL)
    height = float(root.get("height", ""))
    assert root.get("viewBox") == f"0 0 {WIDTH} {root.get('height')}"
    for each in [*root.findall("svg:rect[@class]", NS), *root.findall("svg:text", NS)]:
        assert 0 < float(each.get("x", "")) < WIDTH
        assert 0 < float(each.get("y", "")) < height
    for rect in root.findall("svg:rect[@class]", NS):
        assert float(rect.get("x", "")) + float(rect.get("width", "")) < WIDTH


def test_rows_do_not_overlap() -> None:
    root = parsed(ROW, SMALL)
    lines = sorted({float(text.get("y", "")) for text in root.findall("svg:text", NS)})
    assert min(b - a for a, b in itertools.pairwise(lines)) >= 18


def test_the_file_stands_alone() -> None:
    text = draw([ROW], PARTS).decode()
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<svg ')
    assert re.findall(r"https?://[^\"<]*", text) == [NS["svg"]]
    assert not re.search(r"<script|<style|<image|href|@import|\son\w+=", text)
    root = parsed(ROW)
    assert [child.tag.rpartition("}")[2] for child in root][:3] == ["title", "desc", "rect"]
    assert root.findtext("svg:title", "", NS) == "Sizes of 3.14.9/linux-amd64"
    assert "unpacked 388.8 MB" in root.findtext("svg:desc", "", NS)
    # Its own light ground below everything: dark pages do not shine through.
    assert root[2].get("fill") == "#ffffff"


def test_the_same_sizes_give_the_same_bytes() -> None:
    assert draw([ROW, SMALL], PARTS) == draw([ROW, SMALL], break_down(ROW.name, CONTENTS))


def test_names_are_escaped_and_what_xml_cannot_hold_is_replaced() -> None:
    row = StepRow('<b>&"\x00\ud800', packed=1)
    parts = break_down(row.name, [ContentSize(FileKind.DATA, "<&>\x1b", 1, 1)])
    root = parsed(row, parts=parts)
    assert '<b>&"\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}' in words(root)
    assert "<&>\N{REPLACEMENT CHARACTER}" in words(root)


def test_long_names_are_cut() -> None:
    parts = break_down("x" * 200, [ContentSize(FileKind.SOURCE, "y" * 200, 1, 1)])
    found = words(parsed(StepRow("x" * 200, packed=1), parts=parts))
    assert max(map(len, found)) < 80
    assert f"{'y' * 21}…" in found


def test_without_packed_parts_the_uncompressed_ones_are_drawn() -> None:
    contents = [ContentSize(each.kind, each.package, each.plain_bytes, None) for each in CONTENTS]
    root = parsed(ROW, parts=break_down(ROW.name, contents))
    assert bars(root, "packed") == []
    assert sum(bars(root, "uncompressed")) == pytest.approx(SPAN, abs=0.05)
    assert f"{ROW.name} by package, uncompressed" in words(root)


def test_a_part_of_a_module_is_one_bar() -> None:
    root = parsed(ROW, StepRow("v0.1.0 module", fetched=28_700_000))
    assert bars(root, "step")[-1] == pytest.approx(28.7 / 388.8 * SPAN, abs=0.01)
    assert {"in the module", "28.7 MB"} <= set(words(root))


def test_an_empty_payload_can_be_drawn() -> None:
    root = parsed(StepRow("empty", packed=0), parts=break_down("empty", []))
    assert bars(root, "step") == [0]
    assert "empty by kind of file" in words(root)
