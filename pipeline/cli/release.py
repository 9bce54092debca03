"""``goempy release``: plan, build and tag into a bare repository on this machine."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from pipeline.build.runner import BuildRequest
from pipeline.cli import parameters
from pipeline.cli.built_table import show_built
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.cli.tag_table import show_tags
from pipeline.config.model import PIP_CELL
from pipeline.config.project import Config, Selection, read_config, read_matrix
from pipeline.release.local_release import how_to_use, local_config, make_release, pack_interpreters
from pipeline.sources.fetch import AssetFetcher
from pipeline.system.git import Git
from pipeline.system.tables import Column
from pipeline.system.units import human_seconds


@goempy_command(
    "release",
    example="goempy release --local --python python3.12 --out dist",
    environment=["GOEMPY_PBS_MIRROR", "GOEMPY_CACHE_DIR"],
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
    _check_usage(local=local, only_local=pythons or primary, not_local=source or lines)
    out = out.resolve()
    if not local:
        config = read_config(context.root, module)
        matrix, cells = config.matrix, config.cells(Selection(lines, platforms))
        request = BuildRequest(cells, matrix, out / "payloads", bool(matrix.wheels))
        _release(
            config,
            request,
            context.fetcher(matrix, source),
            out,
            context,
            dry_run=dry_run,
        )
        return
    with tempfile.TemporaryDirectory(prefix="goempy-local-") as folder:
        packed = pack_interpreters(
            pythons or (sys.executable,),
            read_matrix(context.root, module),
            Path(folder),
            context.console,
            platforms,
        )
        config = local_config(packed.matrix, context.root, primary)
        request = BuildRequest(
            packed.cells, packed.matrix, out / "payloads", bool(packed.matrix.wheels)
        )
        fetcher = context.fetcher(packed.matrix, folder, packed.pins)
        _release(config, request, fetcher, out, context, dry_run=dry_run)


def _check_usage(*, local: bool, only_local: object, not_local: object) -> None:
    if only_local and not local:
        raise click.UsageError("--python and --primary need --local.")
    if not_local and local:
        raise click.UsageError("--local packs --python: it takes neither --source nor --lines.")


def _release(
    config: Config,
    request: BuildRequest,
    fetcher: AssetFetcher,
    out: Path,
    context: Context,
    *,
    dry_run: bool,
) -> None:
    console = context.console
    if dry_run:
        rows = [[cell.name, config.tag_of(cell.line)] for cell in request.cells]
        rows += [[PIP_CELL, "all"]] if request.wheels else []
        console.table([Column("cell"), Column("tag")], rows)
        console.info(f"dry run: would build {len(rows)} cells from {fetcher.source.title}")
        return
    began = console.clock()
    with context.lock(request.out):
        checkout = Git(context.root, context.env)
        made = make_release(config, request, fetcher, checkout, out / "release.git")
    show_built(made.built, context, made.reused)
    console.result("")
    show_tags(made.tagged, console, made.built.cells)
    took = human_seconds(console.clock() - began)
    console.result(f"\n{made.repo.folder}: {len(made.tagged)} tags in {took}\n")
    for row in how_to_use(made.repo.folder, made.tagged):
        console.result(row)
