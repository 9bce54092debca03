"""``goempy verify-asset``: who built the assets of cells, proven by GitHub's attestations."""

from __future__ import annotations

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.config.cells import cells_named
from pipeline.config.project import read_matrix
from pipeline.system.tables import columns

_COLUMNS = columns(
    "cell",
    "asset",
    "signer",
    "source commit",
    "run",
    folds={"asset", "signer", "source commit", "run"},
)


@goempy_command(
    "verify-asset",
    example="goempy verify-asset 3.14.9/linux-amd64",
    environment="GOEMPY_PBS_MIRROR GOEMPY_CACHE_DIR GITHUB_TOKEN",
)
@parameters.cells
@parameters.source
def command(context: Context, names: tuple[str, ...], source: str) -> None:
    """Print a row for each proven asset; all cells are looked at before the command fails."""
    matrix = read_matrix(context.root)
    cells = cells_named(names, matrix)
    attested = context.fetcher(matrix, source).attest_all(cells)
    if attested.proven:
        rows = [
            [cell.name, asset.name, found.signer, found.commit, found.run]
            for cell, asset, found in attested.proven
        ]
        context.console.table(_COLUMNS, rows)
    attested.require_all()
