"""The cells of a matrix: all, those that are selected, and the asset of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config.model import (
    FREE_THREADED,
    FULL,
    LOCAL,
    PIP_CELL,
    Cell,
    Line,
    Matrix,
    Platform,
    PythonVersion,
)
from pipeline.system.errors import ConfigError, PipelineError, UsageError
from pipeline.system.suggest import unknown_names

FREE_THREADED_SINCE = (3, 13)
"""PBS's ``src/release.rs``: ``freethreaded`` suffixes from 3.13 on, for every triple."""


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
"""Go's name for each ``platform.machine()`` of Linux, macOS and Windows."""


def platform_of(
    platforms: Sequence[Platform], goos: str, goarch: str, libc: str
) -> Platform | None:
    """The platform that any machine of this kind can run, so none of a higher GOAMD64."""
    kind = (goos, goarch, libc, "")
    return next((p for p in platforms if (p.goos, p.goarch, p.libc, p.goamd64) == kind), None)


def find_primary(
    lines: Sequence[Line],
    text: str,
    *,
    where: str = "PRIMARY_PYTHON",
    error: type[PipelineError] = ConfigError,
) -> Line:
    """The line that ``text`` names (``3.14`` or ``3.14.9``); raises ``error``."""
    wanted = text.strip()
    plain = [line for line in lines if not line.variant]
    found = [line for line in plain if wanted in {line.name, line.python.minor_line}]
    if len(found) != 1:
        matching = f"{len(found)} lines of the matrix match" if found else "no line matches"
        raise error(
            f"{where} is {wanted!r}, and {matching} it",
            hint=f"Name one of {', '.join(line.name for line in plain)}; it decides which "
            "Python @latest is.",
        )
    return found[0]


@dataclass(frozen=True, slots=True)
class SkippedCell:
    """A cell of the matrix that PBS has no archive for."""

    cell: Cell
    reason: str


@dataclass(frozen=True, slots=True)
class CellSplit:
    """Every (line, platform) of a matrix, in the file's order."""

    present: tuple[Cell, ...]
    left_out: tuple[SkippedCell, ...]


def all_cells(matrix: Matrix) -> tuple[Cell, ...]:
    """The cells that can be built; raises ``ConfigError`` for a line without any."""
    return split_cells(matrix).present


def split_cells(matrix: Matrix) -> CellSplit:
    """Separate the cells that PBS has no archive for; raises ``ConfigError`` for an empty line."""
    wanted = [
        Cell(line, platform)
        for line in matrix.lines
        for platform in matrix.platforms
        if (platform.enabled if line.platforms is None else platform.name in line.platforms)
    ]
    left_out = tuple(SkippedCell(cell, why) for cell in wanted if (why := unsupported_reason(cell)))
    absent = {each.cell for each in left_out}
    present = tuple(cell for cell in wanted if cell not in absent)
    with_cells = {cell.line for cell in present}
    if faults := [f"line {line.name}" for line in matrix.lines if line not in with_cells]:
        raise ConfigError(
            "these lines have no cell",
            details=[*faults, *sorted({each.reason for each in left_out})],
            hint="Remove them from matrix.toml, or enable a [[platform]] that PBS has for them.",
        )
    return CellSplit(present, left_out)


def unsupported_reason(cell: Cell) -> str:
    """Why PBS has no archive for the cell, or ``""``."""
    version, platform = cell.line.python, cell.platform
    minor = (version.major, version.minor)
    if cell.line.variant == FREE_THREADED and minor < FREE_THREADED_SINCE:
        return "PBS has free-threaded builds from Python 3.13 on"
    since = PythonVersion.parse(f"{platform.since}.0") if platform.since else None
    if since is not None and minor < (since.major, since.minor):
        return f"PBS has {platform.triple} from Python {platform.since} on"
    return ""


def cells_named(
    names: Sequence[str], matrix: Matrix, *, with_pip: bool = False
) -> tuple[Cell, ...]:
    """The cells of these names, in the matrix's order; raises ``UsageError`` for unknown ones.

    ``with_pip`` accepts the name of the payload of ``[pip]`` too, if the matrix has it.
    """
    cells = all_cells(matrix)
    known = {cell.name for cell in cells}
    if with_pip and matrix.wheels:
        known.add(PIP_CELL)
    if details := unknown_names("cell", names, known):
        raise UsageError(
            "matrix.toml has no such cell", hint="Run 'goempy plan' to see all.", details=details
        )
    return tuple(cell for cell in cells if cell.name in names)


def select_cells(
    cells: Sequence[Cell],
    *,
    lines: Sequence[str] = (),
    platforms: Sequence[str] = (),
    disabled: Sequence[Platform] = (),
) -> tuple[Cell, ...]:
    """The cells that match; an empty selection means all.

    A line is named ``3.14``, ``3.14t`` or ``3.14.9``; a platform ``linux-amd64``, or
    ``linux/amd64`` for all of that pair. Raises ``UsageError`` for names that match nothing;
    ``disabled`` are platforms that would match if they were enabled.
    """

    def of_line(cell: Cell) -> set[str]:
        return {cell.line.name, cell.line.minor_name}

    def of_platform(cell: Cell) -> set[str]:
        return {cell.platform.name, cell.platform.go_pair}

    known = set().union(*map(of_platform, cells))
    off = {name for each in disabled for name in (each.name, each.go_pair)} - known
    if faults := [
        *unknown_names("line", lines, set().union(*map(of_line, cells))),
        *unknown_names("platform", [name for name in platforms if name not in off], known),
        *(f"platform {name!r} has enabled = false" for name in platforms if name in off),
    ]:
        raise UsageError(
            "the selection names lines or platforms that are not built here",
            hint="Run 'goempy plan' to see every cell; --local builds only this machine's.",
            details=faults,
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
            hint="Run 'goempy plan' to see every cell.",
        )
    return chosen


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
