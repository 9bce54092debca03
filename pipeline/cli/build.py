"""``goempy build``: payloads of cells, several at a time."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.build.explain import explain_plan
from pipeline.build.runner import BuildRequest, build_payloads
from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.cli.tables import show_built
from pipeline.config.cells import cells_named
from pipeline.config.model import PIP_CELL
from pipeline.config.project import read_matrix
from pipeline.formats.payload.tarball import pack_payloads


@goempy_command(
    "build",
    example="goempy build 3.14.9/linux-amd64 pip --out dist/payloads",
    environment="GOEMPY_PBS_MIRROR GOEMPY_CACHE_DIR GITHUB_STEP_SUMMARY",
)
@parameters.cells
@parameters.path_option(
    "--out", "DIR", "Payload directory; a payload goes to DIR/CELL.", required=True
)
@click.option("--explain", is_flag=True, help="List what is dropped and why, and what is shipped.")
@parameters.path_option("--pack", "FILE", "Also write a tar of the payloads, for 'goempy unpack'.")
@parameters.source
def command(
    context: Context,
    names: tuple[str, ...],
    out: Path,
    explain: bool,
    pack: Path | None,
    source: str,
) -> None:
    """Build each CELL, such as 3.14.9/linux-amd64, or pip."""
    matrix = read_matrix(context.root)
    cells = cells_named(names, matrix, with_pip=True)
    if pack is not None and pack.is_dir():
        raise click.UsageError(f"--pack needs the name of a file, and {pack} is a folder.")
    request = BuildRequest(cells, matrix, out, wheels=PIP_CELL in names)
    with context.lock(request.out):
        built = build_payloads(
            request,
            context.fetcher(matrix, source),
            context.console,
        )
        if pack is not None:
            pack_payloads(request.out, sorted(set(names)), pack)
    if explain:
        for each in built.cells:
            for row in explain_plan(each.plan):
                context.console.result(row)
    show_built(built, context)
