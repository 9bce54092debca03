"""``goempy build``: payloads of cells, several at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.build.cell import CellPlan, CellResult, apply_cell, plan_cell
from pipeline.build.model import Kind
from pipeline.build.pack import Packed
from pipeline.build.pip_payload import build_wheels
from pipeline.cli.compilers import HostInterpreters, this_machine, unless_stopped
from pipeline.cli.requests import BuildRequest
from pipeline.cli.workspace import Session
from pipeline.config.cells import all_cells, asset_name
from pipeline.config.model import PIP_CELL, Asset, Cell, Matrix, Pin
from pipeline.formats.payload.reader import Payload
from pipeline.formats.payload.tarball import pack_payloads
from pipeline.sources.attestation import Attestation, gh_environment, repository_of, verify_asset
from pipeline.sources.pypi import fetch_wheel
from pipeline.sources.source import AssetSource, WebSource, pin_asset
from pipeline.system.errors import PipelineError, UsageError
from pipeline.system.files import scratch_dir
from pipeline.system.process import processors, run
from pipeline.system.suggest import near_names
from pipeline.system.tables import Column, markdown_table
from pipeline.system.units import human_bytes, human_seconds

_GRACE_S = 5.0
_GH_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Work:
    """What to build and where from; ``wheels`` asks for the payload of ``[pip]`` too."""

    cells: tuple[Cell, ...]
    matrix: Matrix
    source: AssetSource
    pins: Mapping[str, Pin]
    out: Path
    wheels: bool


@dataclass(frozen=True, slots=True)
class BuiltCell:
    """A cell that was built."""

    plan: CellPlan
    result: CellResult
    seconds: float


@dataclass(frozen=True, slots=True)
class BuiltWheels:
    """The payload of ``[pip]``; ``archive_bytes`` is the size of its wheels."""

    packed: Packed
    archive_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Built:
    """What one run built."""

    cells: tuple[BuiltCell, ...]
    wheels: BuiltWheels | None


def build(request: BuildRequest, session: Session) -> None:
    """Build the cells that the command line names."""
    matrix = session.matrix()
    names = _known(request.cells, matrix)
    source = session.source(request.source)
    cells = tuple(cell for cell in all_cells(matrix) if cell.name in names)
    out = request.out.resolve()
    work = Work(cells, matrix, source, session.pins(), out, wheels=PIP_CELL in names)
    with session.alone_in(out):
        built = build_all(work, session)
        if request.pack is not None:
            pack_payloads(out, sorted(names), request.pack.resolve())
    if request.explain:
        for each in built.cells:
            _explain(each.plan, session)
    show_built(built, session)


def _known(names: Sequence[str], matrix: Matrix) -> frozenset[str]:
    """The names, each of which is a cell; raises ``UsageError`` for all that are not."""
    known = {cell.name for cell in all_cells(matrix)} | ({PIP_CELL} if matrix.wheels else set())
    faults = [near_names("cell", name, known) for name in names if name not in known]
    if faults:
        raise UsageError(
            "matrix.toml has no such cell", hint="Run 'goempy plan' to see all.", details=faults
        )
    return frozenset(names)


def build_all(work: Work, session: Session) -> Built:
    """Build the cells, and the payload of ``[pip]`` where it is asked for."""
    cells = build_cells(work, session) if work.cells else ()
    return Built(cells, _build_wheels(work, session) if work.wheels else None)


def _build_wheels(work: Work, session: Session) -> BuiltWheels:
    console, began = session.console, session.console.clock()
    try:
        files = {
            wheel: fetch_wheel(wheel, session.cache(), session.run_pip)
            for wheel in work.matrix.wheels
        }
        packed = build_wheels(files, work.out, work.matrix, processors=processors())
    except PipelineError as fault:
        raise fault.at(PIP_CELL) from None
    archive_bytes = sum(path.stat().st_size for path in files.values())
    return BuiltWheels(packed, archive_bytes, console.clock() - began)


def build_cells(work: Work, session: Session) -> tuple[BuiltCell, ...]:
    """Build all, in parallel; the first failure ends the others within a moment."""
    # In the cache: a failed run leaves no directory where there was none.
    with scratch_dir(session.cache()) as scratch, session.console.live():
        prepared = partial(_plan, work=work, session=session)
        compilers = HostInterpreters(work.matrix, this_machine(), scratch / "pythons", prepared)
        return _build_in_parallel(work, session, compilers)


def _build_in_parallel(
    work: Work, session: Session, compilers: HostInterpreters
) -> tuple[BuiltCell, ...]:
    at_once = min(len(work.cells), processors())
    each = max(1, processors() // at_once)
    pool = ThreadPoolExecutor(max_workers=at_once)
    futures = [pool.submit(_build_one, cell, work, session, compilers, each) for cell in work.cells]
    try:
        done, _rest = wait(futures, return_when=FIRST_EXCEPTION)
        for failed in filter(Future.exception, done):
            failed.result()
        return tuple(future.result() for future in futures)
    except BaseException:
        session.console.stop()
        raise
    finally:
        # One that waits for a silent server does not notice; the process ends without it.
        pool.shutdown(wait=False, cancel_futures=True)
        wait(futures, timeout=_GRACE_S)


def _build_one(
    cell: Cell, work: Work, session: Session, compilers: HostInterpreters, threads: int
) -> BuiltCell:
    console, began = session.console, session.console.clock()
    console.check()
    try:
        plan = _plan(cell, work, session)
        compiler = compilers.of(cell.line) if plan.modules else None
        result = apply_cell(
            plan,
            work.out,
            work.matrix,
            processors=threads,
            progress=partial(console.start, cell.name),
            compiler=unless_stopped(compiler, console.check) if compiler else None,
        )
    except PipelineError as fault:
        raise fault.at(cell.name) from None
    return BuiltCell(plan, result, console.clock() - began)


def _plan(cell: Cell, work: Work, session: Session) -> CellPlan:
    asset, path = fetch_asset(cell, work, session)
    signer = attest(asset, path, work, session).signer if work.matrix.attest else ""
    return plan_cell(cell, asset, path, work.matrix, signer)


def fetch_asset(cell: Cell, work: Work, session: Session) -> tuple[Asset, Path]:
    """A cell's asset and its proven file."""
    name = asset_name(cell, work.matrix.archive)
    cache = session.cache()
    pinned = pin_asset(cell.line.pbs, name, work.pins, work.source, cache)
    if pinned.unlocked:
        session.console.warning(
            f"{cell.name}: {name} is not in matrix.lock; its sha256 is that of SHA256SUMS of "
            f"release {cell.line.pbs}. 'goempy lock' pins it."
        )
    return pinned.asset, work.source.fetch(pinned.asset, cache)


def attest(asset: Asset, path: Path, work: Work, session: Session) -> Attestation:
    """Who built the asset; raises ``AttestationError`` unless GitHub's record proves it."""
    repository = repository_of(work.source.base if isinstance(work.source, WebSource) else "")
    run_gh = partial(run, env=gh_environment(session.env), timeout_s=_GH_TIMEOUT_S)
    found = verify_asset(path, asset, repository, run_gh)
    session.console.info(f"{asset.name}: built by {found.signer}")
    return found


def show_built(built: Built, session: Session, reused: Mapping[str, Payload] | None = None) -> None:
    """A row a cell: how its bytes became fewer. Those of ``reused`` (by name) tell no time."""
    titles = ("archive", "unpacked", "trimmed", "stripped", "packed", "time")
    rows = [*_built_rows(built), *_reused_rows(reused or {})]
    columns = [Column("cell"), *(Column(title, right=True) for title in titles)]
    session.console.table(columns, rows)
    session.summary(f"### Payloads\n\n{markdown_table(columns, rows)}")


def _reused_rows(reused: Mapping[str, Payload]) -> Iterator[list[str]]:
    for name, payload in reused.items():
        unpacked = sum(entry.size_bytes for entry in payload.manifest.entries)
        packed = sum(blob.stored_bytes for blob in payload.blobs)
        yield [name, "", "", "", human_bytes(unpacked), human_bytes(packed), "reused"]


def _built_rows(built: Built) -> Iterable[list[str]]:
    rows = []
    for each in built.cells:
        result = each.result
        sizes = (
            result.steps.archive,
            result.steps.unpacked,
            result.steps.trimmed,
            result.steps.stripped,
            result.packed_bytes,
        )
        seconds = human_seconds(each.seconds)
        rows.append([result.cell.name, *(human_bytes(size) for size in sizes), seconds])
    if built.wheels is not None:
        wheels = built.wheels
        unpacked = sum(entry.size_bytes for entry in wheels.packed.manifest.entries)
        sizes = (wheels.archive_bytes, unpacked, unpacked, unpacked, wheels.packed.packed_bytes)
        seconds = human_seconds(wheels.seconds)
        rows.append([PIP_CELL, *(human_bytes(size) for size in sizes), seconds])
    return rows


def _explain(plan: CellPlan, session: Session) -> None:
    """Every dropped file with its reason, and what remains, the largest first."""
    session.console.result(f"\n{plan.cell.name}: dropped")
    for row in _dropped_rows(plan):
        session.console.result(row)
    session.console.result(f"\n{plan.cell.name}: shipped")
    files = [member for member in plan.trim.kept if member.kind is not Kind.DIR]
    for member in sorted(files, key=lambda m: (-plan.shipped_size(m), m.name)):
        shipped = plan.shipped_size(member)
        saved = member.size_bytes - shipped
        notes = f"  ({human_bytes(saved)} of debug sections and symbols dropped)" if saved else ""
        if member.content in plan.inventory.notes:
            notes = f"  ({plan.inventory.notes[member.content]})"
        if member.kind is Kind.LINK:
            notes = f" -> {member.target}"
        session.console.result(f"{shipped:>12,}  {member.name}{notes}")


def _dropped_rows(plan: CellPlan) -> Iterator[str]:
    for reason, members in plan.trim.by_reason():
        total = human_bytes(sum(member.size_bytes for member in members))
        yield f"# {reason}: {len(members)} files, {total}"
        for member in members:
            yield f"{member.size_bytes:>12,}  {member.name}"
