"""Sizes of cells in a payload directory, and of tags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.model import PIP_CELL
from pipeline.formats.payload.manifest import FILE_NAME
from pipeline.formats.payload.reader import read_payload
from pipeline.publish.breakdown import Breakdown, break_down
from pipeline.publish.sizes import StepRow, measure, measure_tag, payload_row, tag_rows
from pipeline.release.tag_index import known_tags
from pipeline.release.tag_tree import TagTree
from pipeline.system.errors import UsageError
from pipeline.system.git import Git
from pipeline.system.suggest import unknown_names

_TAG = re.compile(r"v\d.*")


@dataclass(frozen=True, slots=True)
class SizeReport:
    """A cell or tag: its rows, and its bytes by kind of file and by package."""

    rows: tuple[StepRow, ...]
    breakdown: Breakdown


def read_sizes(names: Sequence[str], folder: Path, repo: Git) -> list[SizeReport]:
    """Sizes of cells below ``folder`` and of tags of ``repo``; no ``names`` are all cells.

    Raises ``UsageError`` that lists all unknown names. ``repo`` is read only if a name is a tag.
    """
    cells = cells_below(folder)
    if not names and not cells:
        raise UsageError(
            f"{folder} contains no payloads",
            hint="Build cells with 'goempy build', or name another folder with --payloads.",
        )
    names = list(dict.fromkeys(names)) or list(cells)
    wanted_tags = [name for name in names if _TAG.fullmatch(name)]
    faults = unknown_names("cell", [name for name in names if name not in wanted_tags], cells)
    trees: Mapping[str, TagTree] = {}
    if wanted_tags:
        tags = known_tags(repo)
        faults += tags.unknown(wanted_tags)
        trees = {} if faults else tags.trees(wanted_tags)
    if faults:
        raise UsageError(
            f"these are neither cells of {folder} nor tags of the repository",
            details=faults,
            hint="A cell is named as in 'goempy plan', a tag as in git; see --payloads, --repo.",
        )
    return [_tag(trees[name]) if name in trees else _cell(name, cells[name]) for name in names]


def cells_below(folder: Path) -> dict[str, Path]:
    """The payload directories in ``folder`` by the names of their cells, pip last."""
    found = {
        path.parent.relative_to(folder).as_posix(): path.parent
        for pattern in (f"*/*/{FILE_NAME}", f"{PIP_CELL}/{FILE_NAME}")
        for path in folder.glob(pattern)
    }
    return {name: found[name] for name in sorted(found, key=_natural)}


def _natural(name: str) -> tuple[bool, list[tuple[int, str]]]:
    """3.9 comes before 3.10."""
    parts = re.findall(r"\d+|\D+", name)
    return name == PIP_CELL, [(int(p), "") if p.isdecimal() else (-1, p) for p in parts]


def _cell(name: str, folder: Path) -> SizeReport:
    measured = measure(name, read_payload(folder), (folder / FILE_NAME).stat().st_size)
    return SizeReport((payload_row(measured),), break_down(name, measured.contents))


def _tag(tree: TagTree) -> SizeReport:
    measured = measure_tag(tree.contents())
    return SizeReport(tag_rows(measured), break_down(tree.tag, measured.contents))
