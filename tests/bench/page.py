"""BENCHMARKS.md, from a ``Report``, a template, and the text of each figure in ``page.toml``."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import jinja2

from pipeline.system.files import write_atomically
from tests.bench.model import Figure, Profile, Report, Row
from tests.bench.quantities import aims, excess, quantity, ratio, with_spread

PAGE = "BENCHMARKS.md"
PLOTS = Path("tests") / "bench" / "plots"
FOLDER = Path(__file__).parent
TEXT: Mapping[str, Any] = tomllib.loads((FOLDER / "page.toml").read_text("utf-8"))


class Judged(NamedTuple):
    """A row that has an aim, and the key and text of its figure."""

    key: str
    text: Mapping[str, Any]
    row: Row


def write_page(report: Report, root: Path) -> None:
    """Write the page below ``root`` and its plots, and remove plots that it no longer shows."""
    drawn = draw(report)
    for name, data in drawn.items():
        write_atomically(root / PLOTS / name, data)
    write_atomically(root / PAGE, benchmarks_md(report).encode())
    for path in (root / PLOTS).glob("*.svg"):
        if path.name not in drawn and not path.name.startswith("flame-"):
            path.unlink()


def draw(report: Report) -> dict[str, bytes]:
    """Every plot by its file name."""
    from tests.bench import plots  # noqa: PLC0415 - matplotlib takes a second

    every = {"summary": closest_calls(report), "ratios": judged(report)}
    drawn = {
        f"{name}.svg": plots.ratios([each[1:] for each in rows]) for name, rows in every.items()
    }
    for key, growth in report.growths.items():
        drawn[f"growth-{key}.svg"] = plots.growth(growth, TEXT["growth"][key])
    for key, profile in report.profiles.items():
        drawn[f"profile-{key}.svg"] = plots.parts(profile, title(profile))
    return drawn


def title(profile: Profile) -> str:
    return str(TEXT["profile"][profile.key]["title"].format(subject=profile.subject))


def judged(report: Report) -> list[Judged]:
    """All rows with an aim, in the order of the page."""
    return [
        Judged(key, TEXT["figure"][key], row)
        for key, figure in report.figures.items()
        for row in figure.rows
        if row.reached is not None
    ]


def closest_calls(report: Report) -> list[Judged]:
    """Of each figure and each aim one row: a missed one, or that with the smallest lead."""
    groups: dict[object, list[Judged]] = {}
    for each in judged(report):
        groups.setdefault((each.key, each.row.aims), []).append(each)
    return [
        min(group, key=lambda each: (each.row.reached, each.row.ratio or math.inf))
        for group in groups.values()
    ]


def benchmarks_md(report: Report) -> str:
    effort = report.effort
    turns = effort.runs * effort.block_runs

    def how(words: str, figure: Figure | None = None) -> str:
        alone = quantity(figure.alone, "s") if figure and figure.alone is not None else ""
        return words.format(effort=effort, turns=turns, alone=alone)

    environment = jinja2.Environment(  # noqa: S701 - Markdown, of our own text
        loader=jinja2.FileSystemLoader(FOLDER),
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {
        "aims": aims,
        # What GitHub makes of a heading.
        "anchor": lambda text: re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-"),
        "excess": excess, "how": how, "median": median, "quantity": quantity, "ratio": ratio,
        "spread": with_spread, "title": title,
    }  # fmt: skip
    template = environment.get_template("BENCHMARKS.md.jinja")
    return template.render(report=report, text=TEXT, calls=closest_calls(report))
