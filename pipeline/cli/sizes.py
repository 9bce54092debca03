"""``goempy sizes``: where the bytes of payloads go, in a directory or in tags."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.publish.picture import draw
from pipeline.publish.size_report import read_sizes
from pipeline.publish.size_tables import breakdown_tables, step_table
from pipeline.system.files import write_atomically


@goempy_command("sizes", example="goempy sizes v0.1.0 --svg sizes.svg")
@click.argument(
    "names", nargs=-1, metavar="[CELL|TAG]...", help="[default: all cells of --payloads]"
)
@parameters.payloads
@parameters.repo
@parameters.path_option("--svg", "FILE", "Draw the sizes as well.")
def command(
    context: Context, names: tuple[str, ...], payloads: Path, repo: Path | None, svg: Path | None
) -> None:
    """Print the sizes of cells and tags, by default of all cells; of a single one in detail."""
    git = context.git(repo)
    reports = read_sizes(names, payloads, git)
    rows = [row for report in reports for row in report.rows]
    if svg is not None:
        write_atomically(svg, draw(rows, reports[0].breakdown))
        context.console.info(f"drew {svg}")
    tables = [step_table(rows)]
    if len(reports) == 1:
        tables += breakdown_tables(reports[0].breakdown)
    for table in tables:
        if table.title:
            context.console.result(f"\n{table.title}")
        context.console.table(table.columns, table.rows)
        if table.note:
            context.console.info(table.note)
