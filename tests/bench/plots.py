"""Bars and curves: how many times less goempy needs, and how costs grow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import (
    FixedFormatter,
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullLocator,
)

from tests.bench import sheet as page
from tests.bench import wording
from tests.bench.judged import Judged, closest_calls, judged
from tests.bench.model import Curve, Growth, Report

WIDTH = 900.0
_LABELS = 330.0
_PLOT = WIDTH - _LABELS - 20
_TOP, _BOTTOM = 104.0, 16.0
_STEEP = 20
"""Values that differ by more than this are drawn on logarithmic axes."""
_GROWTH_WIDTH = 600.0
_KEYS = 3
"""Names of curves in a row."""
_LOOKS = (
    (page.BLUE, "o"), (page.RED, "s"), (page.GREEN, "^"),
    (page.PINK, "D"), (page.ORANGE, "v"), (page.SKY, "p"),
)  # fmt: skip
_TITLE = "How many times less goempy needs"
_ALL = "The peer's time, memory or bytes, divided by those of goempy for the same work."
_CLOSEST = f"{_ALL} Of each aim the closest call."


@dataclass(frozen=True)
class _Bar:
    """A judged row on the sheet: the middle of its bar is ``top`` below that of the axes."""

    judged: Judged
    top: float

    @property
    def start_of_words(self) -> float:
        return max(self.judged.ratio, self.judged.row.aim or 0, 1)

    @property
    def words(self) -> str:
        """The ratio, the value if there is a limit for it, and the aim if it is missed."""
        row, unit = self.judged.row, self.judged.figure.unit
        told = wording.ratio(row.ratio)
        if row.limit is not None:
            told += f", {wording.quantity(row.ours.median, unit)}"
        return told if self.judged.reached else f"{told} (aim {wording.aim(row, unit)})"


def ratios_svg(report: Report) -> bytes:
    """Bars: how many times less goempy needs than each peer, for everything that has an aim."""
    pitch, room, top = 17.0, 25.0, 0.0
    bars, names = [], []
    for title, group in groupby(_comparable(judged(report)), key=lambda each: each.figure.title):
        names.append((top + room - 12, title))
        top += room
        for each in group:
            bars.append(_Bar(each, top + pitch / 2))
            top += pitch
    with page.style():
        sheet = _bars_sheet(bars, top, _ALL, thickness=11)
        for where, title in names:
            page.write(sheet, 16, _TOP + where, page.plain(title), weight="bold")
        for bar in bars:
            _label(sheet, bar.top, bar.judged.row.work)
        return page.svg(sheet, _TITLE)


def summary_svg(report: Report) -> bytes:
    """The same with one bar an aim: that of the row that comes closest to missing it, or misses."""
    pitch = 33.0
    chosen = _comparable(closest_calls(report))
    bars = [_Bar(each, pitch * (place + 0.5)) for place, each in enumerate(chosen)]
    with page.style():
        sheet = _bars_sheet(bars, pitch * len(bars), _CLOSEST, thickness=17)
        for bar in bars:
            _label(sheet, bar.top - 7, bar.judged.figure.title, colour=page.INK)
            _label(sheet, bar.top + 7, bar.judged.row.work)
        return page.svg(sheet, _TITLE)


def _comparable(rows: Sequence[Judged]) -> list[Judged]:
    return [each for each in rows if each.row.peer]


def _label(sheet: Sheet, top: float, words: str, *, colour: str = page.PALE) -> None:
    fitting = page.fitted(page.plain(words), _LABELS - 24, page.SMALL)
    page.write(sheet, _LABELS - 8, _TOP + top, fitting, size=page.SMALL, color=colour, ha="right")


def _bars_sheet(bars: Sequence[_Bar], height: float, below: str, *, thickness: float) -> Sheet:
    """Everything but the labels to the left."""
    sheet = page.blank(WIDTH, _TOP + height + _BOTTOM)
    page.heading(sheet, _TITLE, f"{below} Logarithmic axis.")
    axes = page.place(sheet, _LABELS, _TOP, _PLOT, height)
    _ratio_axis(axes, bars)
    axes.set_ylim(height, 0)
    for bar in bars:
        _draw_bar(axes, bar, thickness)
    tick = Line2D(
        [], [], color=page.INK, marker="|", markersize=9, markeredgewidth=1.8, linewidth=0
    )
    sheet.legend(
        [Patch(color=page.BLUE), Patch(color=page.RED), tick],
        ["aim reached", "aim missed", "aim"],
        loc="upper left", ncols=3, frameon=False, borderaxespad=0, borderpad=0,
        bbox_to_anchor=(16 / WIDTH, 1 - 56 / (_TOP + height + _BOTTOM)),
        fontsize=page.SMALL, handlelength=1.2, handleheight=0.8,
    )  # fmt: skip
    return sheet


def _ratio_axis(axes: Axes, bars: Sequence[_Bar]) -> None:
    """From the worst ratio, or a little less than 1, to where all words beside bars have room."""
    positive = [bar.judged.ratio for bar in bars if bar.judged.ratio > 0]
    low = min([0.9, *(ratio * 0.9 for ratio in positive)])
    high = 2.0
    for bar in bars:
        taken = page.width_of(bar.words, page.SMALL, bold=True) + 10
        high = max(high, low * (bar.start_of_words / low) ** (_PLOT / (_PLOT - taken)))
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    end = max([2.0, *(bar.start_of_words for bar in bars)])
    places = [m * 10.0**e for e in range(-3, 5) for m in (1, 2, 5) if low <= m * 10.0**e <= end]
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{p:g} {wording.TIMES}" for p in places]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.tick_top()
    axes.yaxis.set_major_locator(NullLocator())
    axes.grid(axis="x", color=page.FAINT, linewidth=0.7)
    axes.axvline(1, color=page.PALE, linewidth=1.2)


def _draw_bar(axes: Axes, bar: _Bar, thickness: float) -> None:
    """A bar from 1, the aim across it, and the ratio in words."""
    reached, aim = bar.judged.reached, bar.judged.row.aim
    end = max(bar.judged.ratio, axes.get_xlim()[0])
    colour = page.BLUE if reached else page.RED
    axes.barh(bar.top, end - 1, left=1, height=thickness, color=colour, linewidth=0)
    if aim is not None:
        reach = thickness / 2 + 2.5
        axes.plot([aim] * 2, [bar.top - reach, bar.top + reach], color=page.INK, linewidth=1.8)
    axes.annotate(
        bar.words, (bar.start_of_words, bar.top), (6, 0), textcoords="offset points",
        va="center_baseline", size=page.SMALL, weight="normal" if reached else "bold",
    )  # fmt: skip


def growth_svg(growth: Growth) -> bytes:
    """Lines through the medians, in a band from the lowest to the highest value."""
    left, keys = 64.0, math.ceil(len(growth.curves) / _KEYS)
    top = 66 + 16.0 * keys
    values = [value for curve in growth.curves for p in curve.points for value in p.values]
    steep = min(values) > 0 and max(values) / min(values) > _STEEP
    below = "Medians, in a band from the lowest to the highest value."
    title = page.plain(growth.title)
    with page.style():
        sheet = page.blank(_GROWTH_WIDTH, top + 246)
        page.heading(sheet, title, f"{below} Logarithmic axes." if steep else below)
        axes = page.place(sheet, left, top, _GROWTH_WIDTH - left - 24, 200)
        for curve, (colour, mark) in zip(growth.curves, cycle(_LOOKS), strict=False):
            _curve(axes, curve, colour, mark)
        _growth_axes(axes, growth, max(values), steep=steep)
        sheet.legend(
            loc="upper left", ncols=_KEYS, frameon=False, borderaxespad=0, borderpad=0.2,
            bbox_to_anchor=(left / _GROWTH_WIDTH, 1 - 56 / (top + 246)), fontsize=page.SMALL,
        )  # fmt: skip
        return page.svg(sheet, title)


def _curve(axes: Axes, curve: Curve, colour: str, mark: str) -> None:
    points = sorted(curve.points, key=lambda point: point.at)
    at = [point.at for point in points]
    low = [min(point.values) for point in points]
    high = [max(point.values) for point in points]
    axes.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
    name = page.fitted(page.plain(curve.name), _GROWTH_WIDTH / _KEYS - 60, page.SMALL)
    medians = [point.median for point in points]
    axes.plot(at, medians, color=colour, marker=mark, markersize=5, linewidth=1.8, label=name)


def _growth_axes(axes: Axes, growth: Growth, highest: float, *, steep: bool) -> None:
    """Linear from zero, so that straight is proportional; ``steep`` ones logarithmic, both."""
    places = sorted({point.at for curve in growth.curves for point in curve.points})
    axes.grid(color=page.FAINT, linewidth=0.7)
    axes.spines["bottom"].set_visible(True)
    if steep:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(0, places[-1] * 1.04)
        axes.set_ylim(0, highest * 1.08)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        places = _apart(places, places[-1] * 0.06)
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{place:g}" for place in places]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(page.plain(growth.axis), fontsize=page.SMALL, color=page.PALE)
    whole = wording.scale_for(highest, growth.unit)

    def told(value: float, _position: int | None) -> str:
        scale = wording.scale_for(value, growth.unit) if steep else whole
        return f"{value / scale.size:.4g} {scale.name}"

    axes.yaxis.set_major_formatter(FuncFormatter(told))


def _apart(places: Sequence[float], distance: float) -> list[float]:
    """The places from the last down, without those whose labels would touch the next one."""
    kept: list[float] = []
    for place in reversed(places):
        if not kept or kept[-1] - place >= distance:
            kept.append(place)
    return kept[::-1]
