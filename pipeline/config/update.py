"""Which newer interpreters a PBS release has for the lines of the matrix. Pure: no I/O.

A line moves to the newest patch of its minor version and variant, never back and never from a
final version to a prerelease. ``plan_update`` decides, ``edit_matrix`` edits the matrix's text.

Ends of life are those of PEP 602 and PEP 569: five years after October, in which each version
since 3.8 came out, that is in October of 2016 + minor.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import tomlkit
from tomlkit.items import AbstractTable

from pipeline.config.cells import all_cells, asset_name
from pipeline.config.lock import Listing
from pipeline.config.model import FREE_THREADED, FULL, Cell, Line, Matrix, PythonVersion

_ARCHIVE_NAME = re.compile(
    r"cpython-(?P<python>[^+]+)\+(?P<release>\d{8})-(?P<rest>.+)-(?P<kind>full|install_only_stripped)"
    r"\.tar\.(?:zst|gz)"
)
_FREE_OPTION = f"{FREE_THREADED}+"
UP_TO_DATE = "up to date"
_END_OF_3_7 = date(2023, 6, 27)
"""Those before ended earlier."""


@dataclass(frozen=True, slots=True)
class Archive:
    """An interpreter archive of PBS, as its name describes it."""

    python: PythonVersion
    variant: str
    flavour: str
    """Triple and build options, such as ``x86_64-unknown-linux-gnu pgo+lto``."""


@dataclass(frozen=True, slots=True)
class Flavours:
    """The flavours that a release gained and lost for one minor version and variant."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LineUpdate:
    """A line before and after; both are the same where the line stays, and ``why`` says why."""

    before: Line
    after: Line
    cells: int
    end_of_life: bool = False
    """Whether CPython no longer fixes its minor version."""
    why: str = ""
    missing: tuple[str, ...] = ()
    """Assets that the newer version lacks, if that is why the line stays."""
    bytes_before: int | None = None
    """Sizes of all assets of its cells together; ``None`` where one is not known."""
    bytes_after: int | None = None
    flavours: Flavours | None = None
    """``None`` where the old release's assets are not known."""

    @property
    def moves(self) -> bool:
        """Whether the line changes."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class UpdatePlan:
    """What changes: a step for each line, in the file's order."""

    release: str
    steps: tuple[LineUpdate, ...]
    proposals: tuple[Line, ...]
    """Lines that could be added, each with the platforms that the release has assets for."""

    @property
    def moves(self) -> bool:
        """Whether anything changes."""
        return any(step.moves for step in self.steps)


def plan_update(
    matrix: Matrix, new: Listing, old: Mapping[str, Listing], today: date
) -> UpdatePlan:
    """Decide what each line does; ``old`` has older releases' listings, as far as they are known.

    Of several lines of one minor version and variant the newest moves; the others keep what they
    have.
    """
    steps = []
    for line in matrix.lines:
        rivals = [each for each in matrix.lines if _kind(each) == _kind(line)]
        newest = max(rivals, key=lambda each: order(each.python))
        if line == newest:
            step = _step(matrix, line, new, old.get(line.pbs))
        else:
            step = _unchanged(matrix, line, f"{newest.name} is the {line.minor_name} that moves")
        over = is_over(line.python, today)
        steps.append(dataclasses.replace(step, end_of_life=over))
    return UpdatePlan(new.release, tuple(steps), tuple(_proposals(matrix, new)))


def _kind(line: Line) -> tuple[str, str]:
    return line.python.minor_line, line.variant


def _unchanged(matrix: Matrix, line: Line, why: str, missing: Sequence[str] = ()) -> LineUpdate:
    cells = len(_cells(matrix, line))
    return LineUpdate(line, line, cells, why=why, missing=tuple(missing))


def _step(matrix: Matrix, line: Line, new: Listing, old: Listing | None) -> LineUpdate:
    after, why = _newer(matrix, line, new)
    if after is None:
        return _unchanged(matrix, line, why)
    assets = cell_assets(matrix, after)
    if missing := [name for name in assets if name not in new.names]:
        why = f"PBS {new.release} has {after.name}, but not all of its assets"
        return _unchanged(matrix, line, why, missing)
    return LineUpdate(
        before=line,
        after=after,
        cells=len(assets),
        bytes_before=_total(cell_assets(matrix, line), old),
        bytes_after=_total(assets, new),
        flavours=_compare(matrix, line, new, old),
    )


def _newer(matrix: Matrix, line: Line, new: Listing) -> tuple[Line | None, str]:
    """The line as the release has it, or why it stays."""
    if line.pbs > new.release:
        return None, f"PBS {line.pbs} is newer than {new.release}"
    offered = {each.python for each in _of_line(matrix, line, new)}
    if not offered:
        return None, f"PBS {new.release} has no {line.minor_name}"
    allowed = _allowed(line, offered)
    if not allowed:
        return None, f"PBS {new.release} has no final version of {line.minor_name}"
    best = max(allowed, key=order)
    if order(best) < order(line.python):
        return None, f"PBS {new.release} has only the older {best}"
    after = dataclasses.replace(line, python=best, pbs=new.release)
    return (None, UP_TO_DATE) if after == line else (after, "")


def newer_patch(line: Line, offered: Iterable[Archive]) -> PythonVersion | None:
    """The newest patch of a line among the archives of a release, if it is newer."""
    same = {
        each.python for each in offered if (each.python.minor_line, each.variant) == _kind(line)
    }
    newer = [each for each in _allowed(line, same) if order(each) > order(line.python)]
    return max(newer, key=order, default=None)


def _allowed(line: Line, offered: Iterable[PythonVersion]) -> set[PythonVersion]:
    """A prerelease moves to anything newer; a final version to final ones alone."""
    return {python for python in offered if line.python.pre or not python.pre}


def order(python: PythonVersion) -> tuple[int, int, int, str, int]:
    """A key by which versions sort as CPython released them: 3.15.0rc2, 3.15.0, 3.15.1."""
    stage = python.pre.rstrip("0123456789")
    number = int(python.pre.removeprefix(stage) or 0)
    # "a", "b", "rc", and "z" for a final version.
    return python.major, python.minor, python.patch, stage or "z", number


def end_of_life(python: PythonVersion) -> date | None:
    """The last day of a minor version's life, ``None`` if it is not known."""
    if python.major != 3:
        return None
    return date(2016 + python.minor, 10, 31) if python.minor >= 8 else _END_OF_3_7


def is_over(python: PythonVersion, today: date) -> bool:
    """Whether a minor version is past its end of life: without further security fixes."""
    end = end_of_life(python)
    return end is not None and today > end


def archives(listing: Listing, kind: str = "") -> Iterator[Archive]:
    """The archives of a kind (``full``, ``install_only_stripped``) in a release's list, or all."""
    for name in listing.names:
        match = _ARCHIVE_NAME.fullmatch(name)
        if match is None or (kind and match["kind"] != kind):
            continue
        try:
            python = PythonVersion.parse(match["python"])
        except ValueError:
            continue
        # Only a full archive names its options, and then without a dash.
        triple, options = match["rest"], ""
        if match["kind"] == FULL:
            triple, _, options = match["rest"].rpartition("-")
        free = FREE_THREADED in {options.partition("+")[0], triple.rpartition("-")[2]}
        flavour = f"{triple.removesuffix(f'-{FREE_THREADED}')} {options.removeprefix(_FREE_OPTION)}"
        yield Archive(python, FREE_THREADED if free else "", flavour.strip())


def _of_line(matrix: Matrix, line: Line, listing: Listing) -> Iterator[Archive]:
    for each in archives(listing, matrix.archive):
        if (each.python.minor_line, each.variant) == _kind(line):
            yield each


def _compare(matrix: Matrix, line: Line, new: Listing, old: Listing | None) -> Flavours | None:
    if old is None:
        return None
    before = {each.flavour for each in _of_line(matrix, line, old)}
    after = {each.flavour for each in _of_line(matrix, line, new)}
    return Flavours(tuple(sorted(after - before)), tuple(sorted(before - after)))


def _cells(matrix: Matrix, line: Line) -> tuple[Cell, ...]:
    return all_cells(dataclasses.replace(matrix, lines=(line,)))


def cell_assets(matrix: Matrix, line: Line) -> tuple[str, ...]:
    """The names of the assets of a line, whether the matrix has it or not."""
    return tuple(asset_name(cell, matrix.archive) for cell in _cells(matrix, line))


def _total(names: Iterable[str], listing: Listing | None) -> int | None:
    sizes = [listing.sizes.get(name) if listing else None for name in names]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def _proposals(matrix: Matrix, new: Listing) -> Iterator[Line]:
    """Minor versions that no line has, newer than the oldest line, with a final version."""
    oldest = min((line.python.major, line.python.minor) for line in matrix.lines)
    have = {line.python.minor_line for line in matrix.lines}
    finals = {
        each.python for each in archives(new, matrix.archive) if not each.variant
        if not each.python.pre and (each.python.major, each.python.minor) > oldest
    }  # fmt: skip
    newest = {python.minor_line: python for python in sorted(finals, key=order)}
    for python in [each for minor, each in newest.items() if minor not in have]:
        line = Line(python, new.release)
        cells = _cells(matrix, line)
        offered = [c for c in cells if asset_name(c, matrix.archive) in new.names]
        if len(offered) == len(cells):
            yield line
        elif offered:
            yield dataclasses.replace(line, platforms=tuple(c.platform.name for c in offered))


def edit_matrix(text: str, plan: UpdatePlan) -> str:
    """The matrix's text with the plan's versions; every other byte stays as it is."""
    document = tomlkit.parse(text)
    tables = document["line"]
    for step, table in zip(plan.steps, tables, strict=True):
        if not isinstance(table, AbstractTable):
            raise TypeError(f"[[line]] {step.before.name} is not a table")
        for key, before, after in (
            ("python", str(step.before.python), str(step.after.python)),
            ("pbs", step.before.pbs, step.after.pbs),
        ):
            if before != after:
                table[key] = after
    return tomlkit.dumps(document)
