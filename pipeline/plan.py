"""Which cells there are, which of them are asked for, and what each takes from PBS."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import ConfigError, UsageError
from pipeline.model import FREE_THREADED, FULL, LOCAL, Cell, Line, Matrix, Platform, PythonVersion

FREE_THREADED_SINCE = (3, 13)
"""PBS's ``src/release.rs``: ``freethreaded`` suffixes from 3.13 on, for every triple."""
MAX_GITHUB_JOBS = 256
"""GitHub Actions: "A matrix will generate a maximum of 256 jobs per workflow run"."""


GOARCH = {
    "x86_64": "amd64",
    "AMD64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "ARM64": "arm64",
    "i686": "386",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
"""Go's names for what ``platform.machine()`` says on Linux, macOS and Windows."""


def platform_of(
    platforms: Sequence[Platform], goos: str, goarch: str, libc: str
) -> Platform | None:
    """The platform that any machine of this kind can run, so none of a higher GOAMD64."""
    wanted = (goos, goarch, libc, "")
    fitting = [p for p in platforms if (p.goos, p.goarch, p.libc, p.goamd64) == wanted]
    return fitting[0] if fitting else None


def find_primary(lines: Sequence[Line], text: str, *, where: str = "PRIMARY_PYTHON") -> Line:
    """The line that ``text`` names (``3.14`` or ``3.14.9``); raises ``ConfigError``."""
    wanted = text.strip()
    plain = [line for line in lines if not line.variant]
    found = [line for line in plain if wanted in {line.name, line.python.minor_line}]
    if len(found) != 1:
        matching = f"{len(found)} lines of the matrix match" if found else "no line matches"
        raise ConfigError(
            f"{where} is {wanted!r}, and {matching} it",
            remedy=f"Name one of {', '.join(line.name for line in plain)}; it decides which "
            "Python @latest is.",
        )
    return found[0]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A cell that the matrix would have, and why it has not."""

    cell: Cell
    reason: str


@dataclass(frozen=True, slots=True)
class Cells:
    """Every (line, platform) of a matrix, in the file's order."""

    present: tuple[Cell, ...]
    left_out: tuple[LeftOut, ...]


def all_cells(matrix: Matrix) -> tuple[Cell, ...]:
    """The cells of the matrix; raises ``ConfigError`` as ``divide_cells`` does."""
    return divide_cells(matrix).present


def divide_cells(matrix: Matrix) -> Cells:
    """Tell the cells from those that PBS cannot have; raises ``ConfigError`` for an empty line."""
    wanted = [
        Cell(line, platform)
        for line in matrix.lines
        for platform in matrix.platforms
        if (platform.enabled if line.platforms is None else platform.name in line.platforms)
    ]
    left_out = tuple(LeftOut(cell, why) for cell in wanted if (why := reason_against(cell)))
    absent = {each.cell for each in left_out}
    present = tuple(cell for cell in wanted if cell not in absent)
    with_cells = {cell.line for cell in present}
    faults = [f"line {line.name}" for line in matrix.lines if line not in with_cells]
    if faults:
        raise ConfigError(
            "these lines have no cell",
            faults=[*faults, *sorted({each.reason for each in left_out})],
            remedy="Remove them from matrix.toml, or enable a [[platform]] that PBS has for them.",
        )
    return Cells(present, left_out)


def reason_against(cell: Cell) -> str:
    """Why PBS has no archive for the cell, or ``""``."""
    version, platform = cell.line.python, cell.platform
    minor = (version.major, version.minor)
    if cell.line.variant == FREE_THREADED and minor < FREE_THREADED_SINCE:
        return "PBS has free-threaded builds from Python 3.13 on"
    since = PythonVersion.parse(f"{platform.since}.0") if platform.since else None
    if since is not None and minor < (since.major, since.minor):
        return f"PBS has {platform.triple} from Python {platform.since} on"
    return ""


def select_cells(
    cells: Sequence[Cell], *, lines: Sequence[str] = (), platforms: Sequence[str] = ()
) -> tuple[Cell, ...]:
    """The cells that match; an empty selection means all.

    A line is named ``3.14``, ``3.14t`` or ``3.14.9``; a platform ``linux-amd64`` or, with all
    that narrows it, ``linux/amd64``. Raises ``UsageError`` naming what matches nothing.
    """

    def of_line(cell: Cell) -> set[str]:
        return {cell.line.name, cell.line.minor_name}

    def of_platform(cell: Cell) -> set[str]:
        return {cell.platform.name, cell.platform.go_pair}

    faults = [
        *_unmatched("line", lines, cells, of_line),
        *_unmatched("platform", platforms, cells, of_platform),
    ]
    if faults:
        raise UsageError(
            "the selection names what matrix.toml does not have",
            remedy="Run 'goempy plan' to see every cell.",
            faults=faults,
        )
    chosen = tuple(
        cell
        for cell in cells
        if (not lines or of_line(cell) & set(lines))
        and (not platforms or of_platform(cell) & set(platforms))
    )
    if not chosen:
        raise UsageError(
            "no cell has both one of these lines and one of these platforms",
            remedy="Run 'goempy plan' to see every cell.",
        )
    return chosen


def _unmatched(
    what: str, wanted: Sequence[str], cells: Sequence[Cell], names: Callable[[Cell], set[str]]
) -> Iterator[str]:
    known = set[str]().union(*(names(cell) for cell in cells))
    for name in wanted:
        if name not in known:
            yield near_names(what, name, known)


def near_names(what: str, name: str, known: Collection[str]) -> str:
    """``no cell 'x'; did you mean 'y'?``, or the known names where none is near."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
    return f"no {what} {name!r}; {hint}"


def asset_name(cell: Cell, archive: str) -> str:
    """The file name that PBS gives the cell's archive.

    Source: python-build-standalone, "Distribution Archives":
    ``cpython-<version>+<release>-<triple>-<build>-full.tar.zst``, where a free-threaded build's
    options start with ``freethreaded``.
    """
    line, platform = cell.line, cell.platform
    head = f"cpython-{line.python}+{line.pbs}-{platform.triple}"
    if archive == FULL:
        options = f"{FREE_THREADED}+{platform.build}" if line.variant else platform.build
        return f"{head}-{options}-full.tar.zst"
    variant = f"-{line.variant}" if line.variant else ""
    compression = "zst" if archive == LOCAL else "gz"
    return f"{head}{variant}-{archive}.tar.{compression}"


@dataclass(frozen=True, slots=True)
class Course:
    """What a release run does: all by cell name, in the matrix's order, ``pip`` last.

    ``reused`` tells the tag that holds each; ``missing`` are neither built nor found.
    """

    built: tuple[str, ...]
    reused: Mapping[str, str]
    missing: tuple[str, ...]
    tags: tuple[str, ...]
    """Those that are to be made."""


def plan_course(
    names: Sequence[str],
    chosen: Collection[str],
    found: Mapping[str, str],
    tags: Sequence[str],
    *,
    rebuild: bool,
) -> Course:
    """Decide what is built of the cells ``names``, where ``tags`` are still to be made.

    ``found`` tells the tag that holds a cell. A rebuild builds the ``chosen`` ones, whatever
    exists; else those of them are built that no tag holds, and none when there is no tag to make.
    """
    if rebuild:
        built = tuple(name for name in names if name in chosen)
    elif tags:
        built = tuple(name for name in names if name in chosen and name not in found)
    else:
        built = ()
    rest = [name for name in names if name not in built] if tags else []
    reused = {name: found[name] for name in rest if name in found}
    missing = tuple(name for name in rest if name not in found)
    return Course(built, reused, missing, tuple(tags))


def github_matrix(jobs: Sequence[Mapping[str, str]]) -> dict[str, list[dict[str, str]]]:
    """``{"include": [...]}`` for a job's ``strategy.matrix``; raises ``UsageError`` above 256."""
    if len(jobs) > MAX_GITHUB_JOBS:
        raise UsageError(
            f"{len(jobs)} cells are more than the {MAX_GITHUB_JOBS} jobs of a GitHub matrix",
            remedy="Split them over several jobs with --lines or --only-platforms.",
        )
    return {"include": [dict(job) for job in jobs]}
