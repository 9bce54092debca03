"""Plots of a report, as SVG files: the same input gives the same bytes with one matplotlib."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullLocator

from tests.bench.model import Growth, Profile, Row
from tests.bench.quantities import TIMES, aims, quantity, ratio

STYLE = Path(__file__).with_name("plots.mplstyle")
REACHED, MISSED = "#0072b2", "#d55e00"
Words = Mapping[str, Any]


def _sheet(title: str, width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure((width, height), layout="constrained")
    figure.suptitle(_plain(title), x=0.01, ha="left", fontweight="bold")
    return figure, figure.subplots()


def _svg(figure: Figure) -> bytes:
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return written.getvalue().encode()


def _plain(text: str) -> str:
    """Markdown without its marks of code."""
    return text.replace("`", "")


@mpl.rc_context(fname=STYLE)
def ratios(rows: Sequence[tuple[Words, Row]]) -> bytes:
    """Bars: how many times less goempy needs than each peer; a row with the text of its figure."""
    compared = [(words, row, row.ratio or 0) for words, row in rows if row.peer]
    figure, axes = _sheet("How many times less goempy needs", 10, 1.2 + 0.32 * len(compared))
    for place, (words, row, times) in enumerate(compared):
        unit = words["unit"]
        axes.barh(place, times - 1, left=1, height=0.6, color=REACHED if row.reached else MISSED)
        label = ratio(row.ratio)
        if row.aims and row.aims.under is not None:
            label += f", {quantity(median(row.ours), unit)}"
        if not row.reached:
            label += f" (aim: {aims(row.aims, unit)})"
        beside = max(times, 1)
        axes.annotate(label, (beside, place), (5, 0), textcoords="offset points", va="center")
    names = [f"{_plain(words['title'])}\n{row.work}" for words, row, _times in compared]
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(right=axes.get_xlim()[1] * 4)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _at: f"{value:g} {TIMES}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x")
    axes.axvline(1, color="black", linewidth=0.8)
    keys = {"aim reached": REACHED, "aim missed": MISSED}
    patches = [Patch(color=colour, label=label) for label, colour in keys.items()]
    figure.legend(handles=patches, loc="outside upper right", ncols=2)
    return _svg(figure)


@mpl.rc_context(fname=STYLE)
def growth(found: Growth, words: Words) -> bytes:
    """Lines through the medians, in a band from the lowest to the highest value."""
    figure, axes = _sheet(words["title"], 8, 4)
    for name, curve in found.curves.items():
        (line,) = axes.plot(found.at, [median(each) for each in curve], label=_plain(name))
        low, high = [min(each) for each in curve], [max(each) for each in curve]
        axes.fill_between(found.at, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set(xlim=(0, None), ylim=(0, None))
    axes.yaxis.set_major_formatter(lambda value, _at: quantity(value, words["unit"]))
    axes.set_xlabel(_plain(words["axis"]))
    axes.grid()
    axes.legend()
    return _svg(figure)


@mpl.rc_context(fname=STYLE)
def parts(profile: Profile, title: str) -> bytes:
    """The wall clock of one run: a bar for each of its parts."""
    whole = sum(profile.parts.values()) or 1.0
    figure, axes = _sheet(title, 9, 1 + 0.35 * len(profile.parts))
    bars = axes.barh([*profile.parts], [100 * each / whole for each in profile.parts.values()])
    shares = [f"{quantity(s, 's')}, {100 * s / whole:.0f} %" for s in profile.parts.values()]
    axes.bar_label(bars, shares, padding=4)
    axes.invert_yaxis()
    axes.set_xlim(0, 115)
    axes.set_xlabel(f"% of {quantity(whole, 's')}")
    return _svg(figure)
