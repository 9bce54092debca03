"""``goempy build``: payloads of cells, several at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from pipeline.cell import CellPlan, CellResult, apply_cell, plan_cell
from pipeline.cli.options import BuildRequest
from pipeline.cli.workspace import Session
from pipeline.errors import PipelineError, UsageError
from pipeline.host import processors
from pipeline.model import Cell, Kind, Matrix, Pin
from pipeline.plan import all_cells, asset_name, near_names
from pipeline.report import Column, human_bytes, human_seconds
from pipeline.upstream.source import Source, pin_asset

_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Work:
    """Cells to build and where from."""

    cells: tuple[Cell, ...]
    matrix: Matrix
    source: Source
    pins: Mapping[str, Pin]
    out: Path


@dataclass(frozen=True, slots=True)
class Built:
    """A cell that was built."""

    plan: CellPlan
    result: CellResult
    seconds: float


def build(request: BuildRequest, session: Session) -> None:
    """Build the cells that the command line names."""
    matrix = session.matrix()
    cells = _named(request.cells, all_cells(matrix))
    source = session.source(request.source)
    work = Work(cells, matrix, source, session.pins(), request.out.resolve())
    built = build_cells(work, session)
    if request.explain:
        for each in built:
            _explain(each.plan, session)
    show_cells(built, session)


def _named(names: Sequence[str], cells: Sequence[Cell]) -> tuple[Cell, ...]:
    known = {cell.name: cell for cell in cells}
    faults = [near_names("cell", name, known) for name in names if name not in known]
    if faults:
        raise UsageError(
            "matrix.toml has no such cell", remedy="Run 'goempy plan' to see all.", faults=faults
        )
    return tuple(dict.fromkeys(known[name] for name in names))


def build_cells(work: Work, session: Session) -> tuple[Built, ...]:
    """Build all, in parallel; the first failure ends the others within a moment."""
    at_once = min(len(work.cells), processors())
    each = max(1, processors() // at_once)
    pool = ThreadPoolExecutor(max_workers=at_once)
    futures = [pool.submit(_build_one, cell, work, session, each) for cell in work.cells]
    with session.report.live():
        try:
            return tuple(future.result() for future in futures)
        except BaseException:
            session.report.stop()
            raise
        finally:
            # One that waits for a silent server does not notice; the process ends without it.
            pool.shutdown(wait=False, cancel_futures=True)
            wait(futures, timeout=_GRACE_S)


def _build_one(cell: Cell, work: Work, session: Session, threads: int) -> Built:
    report, began = session.report, session.report.clock()
    report.check()
    try:
        name = asset_name(cell, work.matrix.archive)
        pinned = pin_asset(cell.line.pbs, name, work.pins, work.source)
        if pinned.unlocked:
            report.warn(
                f"{cell.name}: {name} is not in matrix.lock; its sha256 is that of SHA256SUMS of "
                f"release {cell.line.pbs}. 'goempy lock' pins it."
            )
        path = work.source.fetch(pinned.asset, session.cache())
        plan = plan_cell(cell, pinned.asset, path, work.matrix)
        advance = report.start(cell.name, plan.shipped_bytes)
        result = apply_cell(plan, work.out, work.matrix, processors=threads, advance=advance)
    except PipelineError as fault:
        raise fault.at(cell.name) from None
    return Built(plan, result, report.clock() - began)


def show_cells(built: Sequence[Built], session: Session) -> None:
    """A row a cell: how its bytes became fewer."""
    titles = ("archive", "unpacked", "trimmed", "stripped", "packed", "time")
    rows = []
    for each in built:
        result = each.result
        sizes = (
            result.archive_bytes,
            result.unpacked_bytes,
            result.trimmed_bytes,
            result.stripped_bytes,
            result.packed_bytes,
        )
        seconds = human_seconds(each.seconds)
        rows.append([result.cell.name, *(human_bytes(size) for size in sizes), seconds])
    columns = [Column("cell"), *(Column(title, right=True) for title in titles)]
    session.report.table(columns, rows)


def _explain(plan: CellPlan, session: Session) -> None:
    """Every dropped file with its reason, and what remains, the largest first."""
    session.report.result(f"\n{plan.cell.name}: dropped")
    for row in _dropped_rows(plan):
        session.report.result(row)
    session.report.result(f"\n{plan.cell.name}: shipped")
    files = [member for member in plan.trim.kept if member.kind is not Kind.DIR]
    for member in sorted(files, key=lambda m: (-plan.shipped_size(m), m.name)):
        shipped = plan.shipped_size(member)
        saved = member.size_bytes - shipped
        notes = f"  ({human_bytes(saved)} of debug sections and symbols dropped)" if saved else ""
        if member.content in plan.inventory.notes:
            notes = f"  ({plan.inventory.notes[member.content]})"
        if member.kind is Kind.LINK:
            notes = f" -> {member.target}"
        session.report.result(f"{shipped:>12,}  {member.name}{notes}")


def _dropped_rows(plan: CellPlan) -> Iterator[str]:
    for reason, members in plan.trim.by_reason():
        total = human_bytes(sum(member.size_bytes for member in members))
        yield f"# {reason}: {len(members)} files, {total}"
        for member in members:
            yield f"{member.size_bytes:>12,}  {member.name}"
