"""``goempy verify-asset``: who built the assets of cells, proven by GitHub's attestations."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pipeline.cli import parameters
from pipeline.cli.context import Context, pass_context
from pipeline.cli.help import goempy_command
from pipeline.config.cells import cells_named
from pipeline.config.project import read_matrix
from pipeline.system.errors import AttestationError, PipelineError
from pipeline.system.tables import Column

_TITLES = ("cell", "asset", "signer", "source commit", "run")
_COLUMNS = [Column(title, folds=title != "cell") for title in _TITLES]


@goempy_command(
    "verify-asset",
    example="goempy verify-asset 3.14.9/linux-amd64",
    environment=["GOEMPY_PBS_MIRROR", "GOEMPY_CACHE_DIR", "GITHUB_TOKEN"],
)
@click.argument("names", nargs=-1, required=True, metavar="CELL...")
@parameters.source
@pass_context
def command(context: Context, names: tuple[str, ...], source: str) -> None:
    """Print a row for each proven asset; all cells are looked at before the command fails."""
    matrix = read_matrix(context.root)
    cells = cells_named(names, matrix)
    fetcher = context.fetcher(matrix, source)
    rows, failures = [], []
    for cell in cells:
        try:
            fetched = fetcher.fetch(cell)
            found = fetcher.attest(fetched)
        except AttestationError as error:
            failures.append(error.at(cell.name))
        except PipelineError as error:
            raise error.at(cell.name) from None
        else:
            rows.append([cell.name, fetched.asset.name, found.signer, found.commit, found.run])
    if rows:
        context.console.table(_COLUMNS, rows)
    if failures:
        raise _unproven(failures, len(cells))


def _unproven(failures: Sequence[AttestationError], cells: int) -> AttestationError:
    if len(failures) == 1:
        return failures[0]
    return AttestationError(
        f"{len(failures)} of {cells} assets are not proven",
        details=[f"{e.where}: {text}" for e in failures for text in (e.what, *e.details)],
        hint=failures[0].hint,
    )
