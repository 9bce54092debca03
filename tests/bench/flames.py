"""Where the time of a run goes: its parts as one bar, and below it what was on the processor.

The lower picture is an icicle: a box is a function, below it stand those that it called, the
largest first. Its width is the share of the processor time that was spent in it and below it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, groupby

from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure as Sheet

from tests.bench import sheet as page
from tests.bench import wording
from tests.bench.model import Part, Profile, Unit

WIDTH = 900.0
NARROWEST = 0.01
"""Of the whole; narrower boxes are left out."""
MOST = 180
"""So many boxes at most, or else the file is no longer small."""
DEEPEST = 24
_LEFT = 16.0
_SPAN = WIDTH - 2 * _LEFT
_TOP, _BAR, _ROW, _KEY = 62.0, 26.0, 16.0, 18.0
_TYPE = 8.5
_PARTS = ("#6fa8d3", "#9cc4e2", "#c5dcee", "#e0ebf4")
"""Shades of one colour: they stand for other things than the colours below."""
OTHER = "other"
SUBSYSTEMS = (
    # A function is of the first that its name matches, else of that of its caller.
    ("Go runtime", "#f6dd8d", r"^(runtime|sync|atomic|bytealg)\.(?!main$|goexit)"),
    ("hashes", "#8fd3b6", r"^sha\d|^hash|digest|blockSHA|^(fetch_asset|prove)$"),
    ("files", "#f3b27a", r"^(syscall|unix|windows|poll|os|fs|io|pathlib|shutil)\."),
    ("compression", "#8cc4ea", r"^(zstd|huff0|fse|flate|gzip)\.|compress|^pack_tree$"),
    ("bytecode", "#e3b1cf", r"bytecode|compile|canonical|^Compilers\.|pyc"),
    ("archive", "#c9b6e4", r"^(plan_cell|scan|walk|_stage_contents|_stage_texts)$|^Tar"),
    ("imports", "#d5cf9f", r"^(_find_and_load|_load_unlocked|import_module|exec_module)"),
    ("goempy", "#c7d7e8", r"^(embed_util|python|main|pip)\."),
)
_COLOURS = {**{name: colour for name, colour, _pattern in SUBSYSTEMS}, OTHER: "#e3e7eb"}
_PATTERNS = tuple((name, re.compile(pattern)) for name, _colour, pattern in SUBSYSTEMS)


@dataclass
class Call:
    """A function as called by the one above it, and the seconds of all that it did."""

    name: str
    subsystem: str = OTHER
    seconds: float = 0.0
    calls: dict[str, Call] = field(default_factory=dict)

    def add(self, frames: Sequence[str], seconds: float) -> str:
        """Add a stack below this one; returns the subsystem of its innermost function."""
        self.seconds += seconds
        if not frames:
            return self.subsystem
        name = frames[0]
        if name not in self.calls:
            self.calls[name] = Call(name, subsystem_of(name) or self.subsystem)
        return self.calls[name].add(frames[1:], seconds)

    def largest_first(self) -> list[Call]:
        return sorted(self.calls.values(), key=lambda call: (-call.seconds, call.name))


@dataclass(frozen=True)
class Box:
    """A call in the picture: ``start`` and ``share`` are parts of the whole width."""

    call: Call
    depth: int
    start: float
    share: float


def subsystem_of(name: str) -> str:
    """What a function is for, by its name alone; empty if that does not tell."""
    return next((found for found, pattern in _PATTERNS if pattern.search(name)), "")


def boxes(call: Call, whole: float, depth: int = 0, start: float = 0.0) -> Iterator[Box]:
    """The calls below ``call`` that are wide enough to be seen."""
    if depth == DEEPEST:
        return
    for below in call.largest_first():
        share = below.seconds / whole
        if share < NARROWEST:
            return
        yield Box(below, depth, start, share)
        yield from boxes(below, whole, depth + 1, start)
        start += share


def largest(call: Call) -> list[Box]:
    """What is drawn of the calls below ``call``: a box never without the one that it hangs from."""
    found = sorted(boxes(call, call.seconds or 1.0), key=lambda box: (-box.share, box.depth))
    return found[:MOST]


def call_tree(stacks: Sequence[tuple[str, float]]) -> tuple[Call, Counter[str]]:
    """All stacks as one, and the seconds of each subsystem's own.

    Calls that all of them begin with tell nothing and are left out; a function that calls itself
    is one box.
    """
    split = [([name for name, _again in groupby(s.split(";"))], value) for s, value in stacks]
    shared = 0
    while split and all(len(f) > shared + 1 and f[shared] == split[0][0][shared] for f, _ in split):
        shared += 1
    root, own = Call(""), Counter[str]()
    if shared:
        root.subsystem = subsystem_of(split[0][0][shared - 1]) or OTHER
    for frames, seconds in split:
        own[root.add(frames[shared:], seconds)] += seconds  # type: ignore[assignment]
    return root, own


def profile_svg(profile: Profile) -> bytes:
    """The wall clock in parts, and the processor's time as an icicle."""
    title = page.plain(profile.title)
    root, own = call_tree(profile.stacks)
    drawn = largest(root)
    rows = max([0, *(box.depth + 1 for box in drawn)])
    part_keys = _rows_of_keys(_part_keys(profile.parts))
    own_keys = _rows_of_keys(_own_keys(own, root.seconds))
    icicle_top = _TOP + 22 + _BAR + _KEY * (len(part_keys) + len(own_keys)) + 50
    with page.style():
        sheet = page.blank(WIDTH, icicle_top + _ROW * rows + 16)
        page.heading(sheet, title, _left_out(drawn))
        _subtitle(sheet, _TOP + 6, "Wall clock", sum(part.seconds for part in profile.parts))
        _draw_parts(page.place(sheet, _LEFT, _TOP + 20, _SPAN, _BAR), profile.parts)
        top = _draw_keys(sheet, _TOP + 20 + _BAR + 14, part_keys)
        _subtitle(sheet, top + 12, "Processor time", root.seconds)
        _draw_keys(sheet, top + 32, own_keys)
        _draw_boxes(page.place(sheet, _LEFT, icicle_top, _SPAN, _ROW * max(rows, 1)), drawn)
        return page.svg(sheet, title)


Key = tuple[str, str]
"""A colour and what it stands for."""


def _left_out(drawn: Sequence[Box]) -> str:
    if len(drawn) == MOST:
        return f"The {MOST} functions that take most."
    return f"Functions that take less than {100 * NARROWEST:g} % are left out."


def _subtitle(sheet: Sheet, top: float, name: str, seconds: float) -> None:
    words = f"{name}, {wording.quantity(seconds, Unit.SECONDS)}"
    page.write(sheet, _LEFT, top, words, weight="bold")


def _told(name: str, seconds: float, whole: float) -> str:
    return f"{name} {wording.quantity(seconds, Unit.SECONDS)}, {100 * seconds / (whole or 1):.0f} %"


def _part_keys(parts: Sequence[Part]) -> list[Key]:
    whole = sum(part.seconds for part in parts)
    return [
        (colour, _told(page.plain(part.name), part.seconds, whole))
        for part, colour in zip(parts, cycle(_PARTS), strict=False)
    ]


def _own_keys(own: Counter[str], whole: float) -> list[Key]:
    return [(_COLOURS[name], _told(name, value, whole)) for name, value in own.most_common()]


def _rows_of_keys(keys: Sequence[Key]) -> list[list[tuple[float, Key]]]:
    """As many in a row as fit, each with its distance from the left."""
    rows: list[list[tuple[float, Key]]] = []
    left = WIDTH
    for colour, words in keys:
        width = page.width_of(words, page.SMALL) + 34
        if left + width > WIDTH:
            rows.append([])
            left = _LEFT
        rows[-1].append((left, (colour, words)))
        left += width
    return rows


def _draw_keys(sheet: Sheet, top: float, rows: Sequence[Sequence[tuple[float, Key]]]) -> float:
    """Coloured squares with words; returns where the next thing can begin."""
    for row in rows:
        for left, (colour, words) in row:
            page.square(sheet, left, top, colour)
            page.write(sheet, left + 15, top, words, size=page.SMALL)
        top += _KEY
    return top


def _draw_parts(axes: Axes, parts: Sequence[Part]) -> None:
    whole, left = sum(part.seconds for part in parts) or 1.0, 0.0
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    for part, colour in zip(parts, cycle(_PARTS), strict=False):
        share = part.seconds / whole
        axes.barh(0, share, left=left, height=1, color=colour, edgecolor=page.GROUND)
        words = page.fitted(page.plain(part.name), share * _SPAN - 8, page.SMALL)
        axes.text(left + share / 2, 0, words, ha="center", va="center_baseline", size=page.SMALL)
        left += share
    axes.set_ylim(-0.5, 0.5)


def _draw_boxes(axes: Axes, drawn: Sequence[Box]) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(max([1, *(box.depth + 1 for box in drawn)]), 0)
    corners = [
        [(b.start, b.depth), (b.start + b.share, b.depth),
         (b.start + b.share, b.depth + 1), (b.start, b.depth + 1)]
        for b in drawn
    ]  # fmt: skip
    colours = [_COLOURS[box.call.subsystem] for box in drawn]
    axes.add_collection(
        PolyCollection(
            corners, facecolors=colours, edgecolors=page.GROUND, linewidths=0.8, clip_on=False
        )
    )
    for box in drawn:
        if words := page.fitted(box.call.name, box.share * _SPAN - 6, _TYPE):
            x = box.start + 3 / _SPAN
            axes.text(x, box.depth + 0.5, words, size=_TYPE, va="center_baseline")
