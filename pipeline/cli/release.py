"""``goempy release``: plan, build and tag into a bare repository on this machine."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from pipeline.build.runner import BuildRequest
from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.cli.tables import cell_count, show_built, show_tags
from pipeline.config.model import PIP_CELL
from pipeline.config.project import Config, Selection, read_config, read_matrix, read_pins
from pipeline.release.how_to_use import how_to_use
from pipeline.release.local_release import local_config, make_release, pack_interpreters
from pipeline.sources.fetch import AssetFetcher
from pipeline.system.tables import columns
from pipeline.system.units import counted, human_seconds


@goempy_command(
    "release",
    example="goempy release --local --python python3.12 --out dist",
    environment="GOEMPY_PBS_MIRROR GOEMPY_CACHE_DIR",
)
@click.option("--local", is_flag=True, help="Pack interpreters of this machine.")
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="PATH",
    help="An interpreter for --local; can be repeated.  [default: the running one]",
)
@click.option(
    "--primary", default="", metavar="X.Y", help="With --local: the line that is @latest."
)
@parameters.path_option(
    "--out", "DIR", "Where payloads and release.git go.", default=parameters.DIST
)
@parameters.source
@parameters.module
@parameters.dry_run
@parameters.lines
@parameters.only_platforms
def command(
    context: Context,
    local: bool,
    pythons: tuple[str, ...],
    primary: str,
    out: Path,
    source: str,
    module: str,
    dry_run: bool,
    lines: tuple[str, ...],
    platforms: tuple[str, ...],
) -> None:
    """Plan, build and finalize; with --local from interpreters of this machine."""
    if (pythons or primary) and not local:
        raise click.UsageError("--python and --primary need --local.")
    if "" in pythons:
        raise click.UsageError("--python is empty: a variable that is not set?")
    if (source or lines) and local:
        raise click.UsageError("--local packs --python: it takes neither --source nor --lines.")
    with tempfile.TemporaryDirectory(prefix="goempy-local-") as folder:
        if local:
            interpreters, matrix = pythons or (sys.executable,), read_matrix(context.root, module)
            packed = pack_interpreters(
                interpreters, matrix, Path(folder), context.console, platforms, dry_run=dry_run
            )
            config = local_config(packed.matrix, context.root, primary)
            cells, pins, source = packed.cells, packed.pins, folder
        else:
            config, pins = read_config(context.root, module), read_pins(context.root)
            cells = config.cells(Selection(lines, platforms))
        matrix = config.matrix
        request = BuildRequest(cells, matrix, out / "payloads", bool(matrix.wheels))
        fetcher = context.fetcher(matrix, source, pins)
        title = ", ".join(interpreters) if local else fetcher.source.title
        _release(config, request, fetcher, out, context, source_title=title, dry_run=dry_run)


def _release(
    config: Config,
    request: BuildRequest,
    fetcher: AssetFetcher,
    out: Path,
    context: Context,
    *,
    source_title: str,
    dry_run: bool,
) -> None:
    console = context.console
    if dry_run:
        rows = [[cell.name, config.tag_of(cell.line)] for cell in request.cells]
        rows += [[PIP_CELL, "all"]] if request.wheels else []
        console.table(columns("cell", "tag"), rows)
        cells = cell_count(request.cells, wheels=request.wheels)
        console.info(f"dry run: would build {cells} from {source_title}")
        return
    began = console.clock()
    with context.lock(request.out):
        made = make_release(config, request, fetcher, context.git(), out / "release.git")
    show_built(made.built, context, made.reused)
    console.result("")
    show_tags(made.tagged, context, made.built.cells)
    took = human_seconds(console.clock() - began)
    console.result(f"\n{made.repo.folder}: {counted(len(made.tagged), 'tag')} in {took}\n")
    for row in how_to_use(made.repo.folder, config.matrix.module, made.tagged):
        console.result(row)
