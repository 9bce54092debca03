"""``goempy try``: the modules that payloads make, used on this machine before they are tagged."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.build.host_python import this_machine
from pipeline.cli.requests import TryRequest
from pipeline.cli.workspace import Session
from pipeline.config.cells import all_cells, platform_of
from pipeline.config.model import PIP_CELL, Cell, Line, Matrix, Platform
from pipeline.config.project import Config, Selection
from pipeline.release import tagging as finalizing
from pipeline.system.errors import PayloadError, PipelineError, SmokeTestError, UsageError
from pipeline.system.suggest import near_names
from pipeline.system.tables import Column, markdown_table
from pipeline.system.units import human_seconds
from pipeline.verify.go import Go
from pipeline.verify.interpreter_probe import Probe, extension_modules
from pipeline.verify.smoke_test import (
    Sandbox,
    SmokeTest,
    SmokeTestResult,
    try_module,
    with_platforms,
)

_TITLES = ("cell", "Python", "OpenSSL", "SQLite", "modules", "pip", "Go tests", "time", "result")
_COLUMNS = tuple(Column(title) for title in _TITLES)
NOTHING = "-"
"""What a table shows where there is nothing to show."""


@dataclass(frozen=True, slots=True)
class SmokeTestOutcome:
    """One cell: what came out, or why it could not be tried at all."""

    cell: Cell
    tried: SmokeTestResult | None
    faults: tuple[str, ...]
    seconds: float


def try_payloads(request: TryRequest, session: Session) -> None:
    """Assemble the module of each line for one platform, and use it here."""
    config = session.config()
    platform = chosen_platform(request.platform, config.matrix)
    payloads = request.payloads.resolve()
    if not payloads.is_dir():
        raise PayloadError(
            f"there is no folder {payloads}", hint="Name the folder of payloads with --payloads."
        )
    cells = config.cells(Selection(request.lines, (platform.name,)))
    present = [cell for cell in cells if (payloads / cell.name).is_dir()]
    absent = [cell.name for cell in cells if cell not in present]
    go = Go(session.env, platform)
    if present:
        session.console.info(go.call("version", cwd=Path()).strip())
    tested = line_to_test([cell.line for cell in present], config.primary)
    outcomes = [
        _try_cell(cell, config, payloads, go, session, own_tests=cell.line == tested)
        for cell in present
    ]
    _show(platform, outcomes, absent, payloads, session)
    if faults := [f"{each.cell.name}: {fault}" for each in outcomes for fault in each.faults]:
        raise SmokeTestError(
            f"what was built for {platform.name} does not do what it is for",
            details=faults,
            hint="The log has what the programs wrote. Nothing of it should be tagged.",
        )


def chosen_platform(name: str, matrix: Matrix) -> Platform:
    """The platform that ``name`` names, or this machine for ``""``; raises ``UsageError``."""
    if not name:
        machine = this_machine()
        found = platform_of(matrix.platforms, machine.goos, machine.goarch, machine.libc)
        if found is None:
            kind = f"{machine.goos}/{machine.goarch} {machine.libc}".strip()
            raise UsageError(
                f"matrix.toml has no platform for this machine ({kind})",
                hint="Name one that this machine can run with --platform.",
            )
        return found
    known = {each.name: each for each in matrix.platforms}
    if name not in known:
        raise UsageError(
            near_names("platform", name, known),
            hint="Name a [[platform]] of matrix.toml, such as linux-amd64.",
        )
    return known[name]


def line_to_test(lines: Sequence[Line], primary: Line) -> Line | None:
    """The line whose Go tests are run: the primary, else the newest."""
    if primary in lines or not lines:
        return primary if lines else None

    def age(line: Line) -> tuple[int, int, int, bool, str, bool]:
        version = line.python
        final = not version.pre
        return (
            *(version.major, version.minor, version.patch),
            final,
            version.pre,
            not line.variant,
        )

    return max(lines, key=age)


def _try_cell(
    cell: Cell, config: Config, payloads: Path, go: Go, session: Session, *, own_tests: bool
) -> SmokeTestOutcome:
    began = session.console.clock()
    session.console.info(f"{cell.name}: trying its module")
    tried: SmokeTestResult | None = None
    faults: tuple[str, ...]
    try:
        trial = _plan(cell, config, payloads, own_tests=own_tests)
        # On Windows a file may be in use for a moment longer than the program that used it.
        with tempfile.TemporaryDirectory(
            prefix="goempy-try-", ignore_cleanup_errors=True
        ) as folder:
            tried = try_module(trial, Sandbox(go, Path(folder), session.console.info))
        faults = tried.faults
    except PipelineError as fault:
        faults = (fault.what, *fault.details)
    return SmokeTestOutcome(cell, tried, faults, session.console.clock() - began)


def _plan(cell: Cell, config: Config, payloads: Path, *, own_tests: bool) -> SmokeTest:
    """The module as its tag will have it, with this platform alone; raises ``PayloadError``."""
    matrix = config.matrix
    if not (payloads / PIP_CELL).is_dir():
        # Taken from an earlier tag then, where it was tried.
        matrix = dataclasses.replace(matrix, wheels=())
    found = finalizing.read_payloads([cell], matrix, payloads)
    (plan,) = finalizing.plan_tags(matrix, config.version, config.primary, [cell], found)
    siblings = [each.platform for each in all_cells(matrix) if each.line == cell.line]
    return SmokeTest(
        cell,
        plan.module_path,
        str(config.version),
        with_platforms(plan.files, siblings),
        extension_modules(found[cell.name].manifest),
        has_pip=PIP_CELL in found,
        own_tests=own_tests,
    )


def _show(
    platform: Platform,
    outcomes: Sequence[SmokeTestOutcome],
    absent: Sequence[str],
    payloads: Path,
    session: Session,
) -> None:
    """The table, here and on the page of the workflow's run."""
    rows = [_row(each) for each in outcomes]
    summary = f"### Tried on {platform.name}\n\n"
    if rows:
        session.console.table(_COLUMNS, rows)
        summary += markdown_table(_COLUMNS, rows)
    else:
        text = f"nothing to try: {payloads} has no payload for {platform.name}"
        session.console.result(text)
        summary += "Nothing to try: no payload for this platform was built.\n"
    if absent:
        text = f"not tried, since no payload is there: {', '.join(absent)}"
        session.console.info(text)
        summary += f"\nNot built, so not tried: {', '.join(absent)}\n"
    session.summary(summary)


def _row(outcome: SmokeTestOutcome) -> list[str]:
    tried, portrait = outcome.tried, outcome.tried.portrait if outcome.tried else None
    return [
        outcome.cell.name,
        *_told(portrait),
        (tried.pip if tried else "") or NOTHING,
        (tried.tests if tried else "") or NOTHING,
        human_seconds(outcome.seconds),
        "failed" if outcome.faults else "ok",
    ]


def _told(portrait: Probe | None) -> tuple[str, str, str, str]:
    if portrait is None:
        return NOTHING, NOTHING, NOTHING, NOTHING
    count = len(portrait.imported)
    return (
        portrait.line_name,
        portrait.openssl or NOTHING,
        portrait.sqlite or NOTHING,
        f"{count} of {count + len(portrait.failed)}",
    )
