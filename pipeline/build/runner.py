"""Build the payloads of several cells at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.build.blob_cache import BlobCache
from pipeline.build.cell import CellPlan, apply_cell, plan_cell
from pipeline.build.compressor import Compressor, compressing
from pipeline.build.host_python import HostInterpreters, this_machine, unless_stopped
from pipeline.build.once import Once
from pipeline.build.pack import Packed
from pipeline.build.pip_payload import build_wheels
from pipeline.config.model import PIP_CELL, Cell, Matrix, Wheel
from pipeline.sources.fetch import AssetFetcher
from pipeline.sources.pypi import fetch_wheel, run_pip
from pipeline.system.console import Console
from pipeline.system.errors import PipelineError
from pipeline.system.files import scratch_dir
from pipeline.system.process import processors

_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build into the payload directory ``out``; ``wheels`` asks for ``[pip]`` too.

    Without ``cached``, nothing is taken of what earlier runs compressed.
    """

    cells: tuple[Cell, ...]
    matrix: Matrix
    out: Path
    wheels: bool
    cached: bool = True


@dataclass(frozen=True, slots=True)
class BuiltCell:
    """A cell that was built."""

    plan: CellPlan
    packed: Packed
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


def build_payloads(request: BuildRequest, fetcher: AssetFetcher, console: Console) -> Built:
    """Build the cells, and the payload of ``[pip]`` if the request has it.

    Raises a ``PipelineError`` that names the cell.
    """
    folder = fetcher.cache
    cache = BlobCache(folder / "blobs", console.warning) if request.cached else None
    # In the cache: a failed run leaves no directory where there was none.
    with compressing(folder, processors(), cache) as compressor:
        # First, since a network that is dead shows here, before minutes of work.
        wheels = _build_wheels(request, fetcher, console, compressor) if request.wheels else None
        cells = _build_cells(request, fetcher, console, compressor) if request.cells else ()
    return Built(cells, wheels)


def _build_wheels(
    request: BuildRequest, fetcher: AssetFetcher, console: Console, compressor: Compressor
) -> BuiltWheels:
    began = console.clock()
    try:
        files = {wheel: _fetched(wheel, fetcher.cache, console) for wheel in request.matrix.wheels}
        console.info(f"{PIP_CELL}: packing")
        packed = build_wheels(files, request.out, request.matrix, compressor)
    except PipelineError as fault:
        raise fault.at(PIP_CELL) from None
    archive_bytes = sum(path.stat().st_size for path in files.values())
    return BuiltWheels(packed, archive_bytes, console.clock() - began)


def _fetched(wheel: Wheel, cache: Path, console: Console) -> Path:
    console.info(f"{PIP_CELL}: {wheel.name} {wheel.version}")
    return fetch_wheel(wheel, cache, run_pip)


def _build_cells(
    request: BuildRequest, fetcher: AssetFetcher, console: Console, compressor: Compressor
) -> tuple[BuiltCell, ...]:
    """Build all, in parallel; the first failure ends the others promptly."""
    with scratch_dir(fetcher.cache) as scratch, console.live():
        plan = Once(partial(_plan, request.matrix, fetcher))
        interpreters = HostInterpreters(request.matrix, this_machine(), scratch / "pythons", plan)
        return _in_parallel(_Builder(request, plan, interpreters, compressor, console))


def _plan(matrix: Matrix, fetcher: AssetFetcher, cell: Cell) -> CellPlan:
    fetched = fetcher.fetch(cell)
    signer = fetcher.attest(fetched).signer if matrix.attest else ""
    fetcher.console.info(f"{cell.name}: reading {fetched.asset.name}")
    return plan_cell(cell, fetched.asset, fetched.path, matrix, signer)


@dataclass(frozen=True, slots=True)
class _Builder:
    request: BuildRequest
    plan: Callable[[Cell], CellPlan]
    interpreters: HostInterpreters
    compressor: Compressor
    console: Console

    def build(self, cell: Cell) -> BuiltCell:
        began = self.console.clock()
        self.console.check()
        try:
            plan = self.plan(cell)
            if plan.modules:
                self.console.info(f"{cell.name}: compiling the modules that programs import")
            host = self.interpreters.of(cell.line) if plan.modules else None
            if host and host.plan.cell == cell:
                plan = host.plan
            packed = apply_cell(
                plan,
                self.request.out,
                self.request.matrix,
                self.compressor,
                progress=partial(self.console.start, f"{cell.name}: packing"),
                compiler=unless_stopped(host.compile, self.console.check) if host else None,
            )
        except PipelineError as fault:
            raise fault.at(cell.name) from None
        return BuiltCell(plan, packed, self.console.clock() - began)


def _in_parallel(builder: _Builder) -> tuple[BuiltCell, ...]:
    cells = builder.request.cells
    pool = ThreadPoolExecutor(max_workers=min(len(cells), processors()))
    futures = [pool.submit(builder.build, cell) for cell in cells]
    try:
        done, _rest = wait(futures, return_when=FIRST_EXCEPTION)
        for failed in filter(Future.exception, done):
            failed.result()
        return tuple(future.result() for future in futures)
    except BaseException:
        builder.console.stop()
        raise
    finally:
        # A thread that waits for a silent server does not notice; the process ends without it.
        pool.shutdown(wait=False, cancel_futures=True)
        wait(futures, timeout=_GRACE_S)
