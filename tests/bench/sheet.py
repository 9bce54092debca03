"""What all pictures share: colours, type, and how a sheet becomes an SVG file.

Each has a light ground of its own, so that dark pages suit as well. Letters stay letters, drawn
with a font that the viewer has. The same input gives the same bytes with one matplotlib.
"""

from __future__ import annotations

import io
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

INK = "#1f2328"
PALE = "#59636e"
FAINT = "#d1d9e0"
GROUND = "#ffffff"
# Okabe and Ito's palette: told apart by those who see fewer colours, too.
BLUE, RED, GREEN = "#0072b2", "#d55e00", "#009e73"
PINK, ORANGE, SKY, YELLOW, GREY = "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#999999"
SMALL, BODY, TITLE = 10.0, 11.5, 15.0
"""Sizes of type, in points; so are all lengths here."""
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "goempy",
    "font.family": ["sans-serif"],
    # The first is matplotlib's own and its widest: what fits with it fits with any other.
    "font.sans-serif": ["DejaVu Sans", "Arial"],
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.axisbelow": True,
    "figure.facecolor": GROUND,
    "savefig.facecolor": GROUND,
}
_NO_TURN = re.compile(r' transform="rotate\(-?0 [^"]*\)"')
_FAMILY = re.compile(r"font-family: ([^;\"]+); ?")
"""One for all words of a sheet, so that it can be said once."""


@contextmanager
def style() -> Iterator[None]:
    """Draw and save within it: matplotlib reads its settings at both times."""
    with mpl.rc_context(_STYLE):
        yield


def blank(width: float, height: float) -> Figure:
    """A sheet whose unit is the point."""
    return Figure(figsize=(width / 72, height / 72), dpi=72)


def place(sheet: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes on a sheet, measured from its upper left corner; without lines of their own."""
    full_width, full_height = sheet.get_size_inches() * 72
    bottom = full_height - top - height
    axes = sheet.add_axes(
        (left / full_width, bottom / full_height, width / full_width, height / full_height)
    )
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=PALE)
    return axes


def write(
    sheet: Figure, left: float, top: float, words: str, *, size: float = BODY, **fields: str
) -> None:
    """Words whose middle line is ``top`` below the sheet's upper edge."""
    full_width, full_height = sheet.get_size_inches() * 72
    x, y = left / full_width, 1 - top / full_height
    sheet.text(x, y, words, size=size, va="center_baseline", **fields)  # type: ignore[arg-type]


def square(sheet: Figure, left: float, top: float, colour: str) -> None:
    """A key's colour; its middle line is ``top`` below the sheet's upper edge."""
    full_width, full_height = sheet.get_size_inches() * 72
    corner = left / full_width, 1 - (top + 5) / full_height
    box = Rectangle(corner, 10 / full_width, 10 / full_height, color=colour, linewidth=0)
    sheet.add_artist(box)


def heading(sheet: Figure, title: str, below: str) -> None:
    """The title and, paler, what one has to know to read the picture."""
    width = sheet.get_size_inches()[0] * 72
    write(sheet, 16, 22, fitted(title, width - 32, TITLE, bold=True), size=TITLE, weight="bold")
    write(sheet, 16, 42, fitted(below, width - 32, SMALL), size=SMALL, color=PALE)


def width_of(words: str, size: float, *, bold: bool = False) -> float:
    """How wide words are, in points."""
    font = FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
    width, _height, _descent = text_to_path.get_text_width_height_descent(words, font, ismath=False)
    return float(width)


def fitted(words: str, width: float, size: float, *, bold: bool = False) -> str:
    """The words, cut to ``width`` points; nothing if less than two letters would remain."""
    if width_of(words, size, bold=bold) <= width:
        return words
    cuts = range(2, len(words))
    kept = bisect_right(cuts, width, key=lambda n: width_of(_cut(words, n), size, bold=bold))
    return _cut(words, cuts[kept - 1]) if kept else ""


def _cut(words: str, kept: int) -> str:
    return f"{words[:kept]}…"


def svg(sheet: Figure, title: str) -> bytes:
    """The file: no date, no version of what drew it, and nothing said with every word again."""
    written = io.StringIO()
    told = {"Date": None, "Creator": None, "Title": title}
    sheet.savefig(written, format="svg", metadata=told)
    text = _NO_TURN.sub("", written.getvalue())
    family = _FAMILY.search(text)
    text = _FAMILY.sub("", text)
    if family:
        text = text.replace("<svg ", f'<svg font-family="{family[1]}" ', 1)
    return text.encode()


def plain(words: str) -> str:
    """Markdown's code in a picture is words like all others."""
    return words.replace("`", "")
