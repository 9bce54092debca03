"""Sizes as a picture: bars for what each step leaves, and for what the rest is made of.

One self-contained SVG 1.1 file: no scripts, styles or fonts. It has a light background, so that it
reads the same on a dark page. Lengths are linear and begin
at zero: twice the bytes, twice the bar. Every bar has its size in text beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from pipeline.publish.breakdown import Breakdown, FileKind, Share
from pipeline.publish.sizes import StepRow
from pipeline.system.units import human_bytes

WIDTH = 900
SPAN = 560
"""The longest bar."""
_MARGIN = 28
_BARS_X = 200
_BAR = 14
_ROW = 20
_NARROWEST_WITH_TEXT = 46
_LONGEST_LABEL = 22
_LONGEST_HEADING = 76
_INK = "#1f2328"
_PALE_INK = "#59636e"
_GROUND = "#ffffff"
_PACKAGE_COLOUR = "#2171b5"

_STEPS = (
    ("archive", "#969696"),
    ("unpacked", "#c6dbef"),
    ("trimmed", "#9ecae1"),
    ("stripped", "#6baed6"),
    ("packed", "#2171b5"),
    ("embedded", "#08306b"),
)
_FETCHED = ("in the module", "#238b45")
_KIND_COLOURS = {
    # Okabe and Ito's palette, which suits colour-blind readers.
    FileKind.PROGRAM: "#0072b2",
    FileKind.EXTENSION: "#56b4e9",
    FileKind.SOURCE: "#e69f00",
    FileKind.BYTECODE: "#f0e442",
    FileKind.LICENCE: "#999999",
    FileKind.DATA: "#009e73",
}
_COLOUR_BY_NAME = {kind.value: colour for kind, colour in _KIND_COLOURS.items()}
_DARK_COLOURS = frozenset({"#0072b2", "#009e73"})
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped (section 2.2, "Characters")."""


@dataclass(slots=True)
class _Sheet:
    """An SVG that grows downwards; ``y`` is where the next row begins."""

    root: ET.Element
    y: float = _MARGIN

    def rect(self, x: float, width: float, colour: str, role: str) -> None:
        """A bar in the current row."""
        ET.SubElement(
            self.root,
            "rect",
            {
                "class": role,
                "x": _number(x),
                "y": _number(self.y),
                "width": _number(width),
                "height": _number(_BAR),
                "fill": colour,
            },
        )

    def text(
        self, x: float, text: str, *, anchor: str = "start", colour: str = _INK, size: int = 12
    ) -> None:
        """Text in the current row."""
        fields = {"x": _number(x), "y": _number(self.y + _BAR - 3), "fill": colour}
        if anchor != "start":
            fields["text-anchor"] = anchor
        if size != 12:
            fields |= {"font-size": str(size), "font-weight": "bold"}
        ET.SubElement(self.root, "text", fields).text = _clean(text)

    def heading(self, text: str, *, size: int = 14) -> None:
        """A row with a heading."""
        if self.y > _MARGIN:
            self.y += 2 * size - 20
        self.text(_MARGIN, _fit(text, _LONGEST_HEADING), size=size)
        self.y += _ROW + size - 14

    def bar(self, label: str, value: int, scale: float, colour: str, role: str) -> None:
        """A row: its label, its bar and its size."""
        self.text(_BARS_X - 10, _fit(label, _LONGEST_LABEL), anchor="end", colour=_PALE_INK)
        self.rect(_BARS_X, value * scale, colour, role)
        self.text(_BARS_X + value * scale + 6, human_bytes(value))
        self.y += _ROW


def draw(rows: Sequence[StepRow], breakdown: Breakdown) -> bytes:
    """The picture of ``rows``, and of one of them in parts; the same input gives the same bytes."""
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "version": "1.1",
            "width": str(WIDTH),
            "font-family": "sans-serif",
            "font-size": "12",
        },
    )
    names = ", ".join(row.name for row in rows)
    ET.SubElement(root, "title").text = _clean(f"Sizes of {names}")
    ET.SubElement(root, "desc").text = _clean(_description(rows, breakdown))
    ground = ET.SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": _GROUND})
    ground.set("rx", "8")
    sheet = _Sheet(root)
    _draw_steps(sheet, rows)
    _draw_kinds(sheet, breakdown)
    _draw_packages(sheet, breakdown)
    height = _number(sheet.y + _MARGIN - 8)
    root.set("height", height)
    root.set("viewBox", f"0 0 {WIDTH} {height}")
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _description(rows: Sequence[StepRow], breakdown: Breakdown) -> str:
    """The numbers of the picture, for screen readers."""
    sentences = [
        f"{row.name}: "
        + ", ".join(f"{name} {human_bytes(size)}" for name, _colour, size in _steps(row))
        for row in rows
    ]
    kinds = ", ".join(f"{share.name} {human_bytes(share.weight)}" for share in breakdown.kinds)
    return ". ".join([*sentences, f"{breakdown.name} by kind of file: {kinds}."])


def _steps(row: StepRow) -> list[tuple[str, str, int]]:
    """Name, colour and bytes of each step whose size is known; else what the module has of it."""
    sizes = (row.archive, row.unpacked, row.trimmed, row.stripped, row.packed, row.embedded)
    steps = [
        (name, colour, size)
        for (name, colour), size in zip(_STEPS, sizes, strict=True)
        if size is not None
    ]
    return steps or [(*_FETCHED, row.fetched or 0)]


def _draw_steps(sheet: _Sheet, rows: Sequence[StepRow]) -> None:
    scale = _scale([size for row in rows for _name, _colour, size in _steps(row)])
    sheet.heading("What each step leaves", size=18)
    for row in rows:
        sheet.heading(row.name)
        for name, colour, size in _steps(row):
            sheet.bar(name, size, scale, colour, "step")


def _draw_kinds(sheet: _Sheet, breakdown: Breakdown) -> None:
    total = breakdown.total
    sheet.heading(f"{breakdown.name} by kind of file", size=18)
    _stack(sheet, "uncompressed", breakdown.kinds, [each.plain_bytes for each in breakdown.kinds])
    if total.packed_bytes is not None:
        _stack(sheet, "packed", breakdown.kinds, [each.weight for each in breakdown.kinds])
    sheet.y += 4
    for share in breakdown.kinds:
        sheet.rect(_BARS_X, _BAR, _COLOUR_BY_NAME[share.name], "key")
        sheet.text(_BARS_X + _BAR + 8, share.name)
        sheet.text(_BARS_X + 350, human_bytes(share.plain_bytes), anchor="end")
        if share.packed_bytes is not None:
            packed = f"{human_bytes(share.packed_bytes)} packed"
            sheet.text(_BARS_X + 480, packed, anchor="end")
        sheet.y += _ROW


def _stack(sheet: _Sheet, label: str, kinds: Sequence[Share], sizes: Sequence[int]) -> None:
    """One bar of full length in parts; those that are wide enough show their share."""
    total = sum(sizes) or 1
    sheet.text(_BARS_X - 10, label, anchor="end", colour=_PALE_INK)
    x = float(_BARS_X)
    for share, size in zip(kinds, sizes, strict=True):
        width, colour = SPAN * size / total, _COLOUR_BY_NAME[share.name]
        sheet.rect(x, width, colour, label)
        if width >= _NARROWEST_WITH_TEXT:
            ink = _GROUND if colour in _DARK_COLOURS else _INK
            text = f"{100 * size / total:.1f} %"
            sheet.text(x + width / 2, text, anchor="middle", colour=ink)
        x += width
    sheet.text(x + 6, human_bytes(sum(sizes)))
    sheet.y += _ROW


def _draw_packages(sheet: _Sheet, breakdown: Breakdown) -> None:
    how = "uncompressed" if breakdown.total.packed_bytes is None else "packed"
    scale = _scale([share.weight for share in breakdown.packages])
    sheet.heading(f"{breakdown.name} by package, {how}", size=18)
    for share in breakdown.packages:
        sheet.bar(share.name, share.weight, scale, _PACKAGE_COLOUR, "package")


def _scale(sizes: Sequence[int]) -> float:
    """Pixels per byte, so that the largest is as long as a bar can be."""
    return SPAN / max([1, *sizes])


def _fit(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _number(value: float) -> str:
    """Hundredths of a pixel are exact enough, and the same everywhere."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
