"""``goempy lock``: which assets are pinned."""

from __future__ import annotations

import click

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.config.lock import asset_refs, check_lock
from pipeline.config.project import LOCK_FILE, MATRIX_FILE, read_matrix, read_pins
from pipeline.sources.catalog import open_catalog
from pipeline.sources.pinning import lock_text
from pipeline.system.files import write_atomically
from pipeline.system.units import counted


@goempy_command(
    "lock",
    example="goempy lock",
    environment="GOEMPY_PBS_MIRROR GITHUB_TOKEN GITHUB_API_URL",
)
@click.option("--check", is_flag=True, help="Only compare matrix.lock with matrix.toml.")
@parameters.source
def command(context: Context, source: str, *, check: bool) -> None:
    """Write ``matrix.lock``, or compare it with the matrix."""
    if check and source:
        raise click.UsageError("--check uses no --source.")
    matrix = read_matrix(context.root)
    if check:
        assets = counted(check_lock(read_pins(context.root), asset_refs(matrix)), "asset")
        context.console.info(f"{LOCK_FILE} pins what {MATRIX_FILE} needs: {assets}")
        return
    catalog = open_catalog(context.root, context.source(source), context.github, context.console)
    data = lock_text(matrix, catalog).encode()
    path = context.root / LOCK_FILE
    if not path.is_file() or path.read_bytes() != data:
        write_atomically(path, data)
