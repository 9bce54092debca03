"""``goempy verify-asset``: who built the assets of cells, as GitHub's own record proves."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.cli.requests import VerifyAssetRequest
from pipeline.cli.workspace import Session
from pipeline.config.cells import all_cells
from pipeline.config.model import Cell, Matrix
from pipeline.system.errors import AttestationError, PipelineError, UsageError
from pipeline.system.suggest import near_names
from pipeline.system.tables import Column


def verify_asset(request: VerifyAssetRequest, session: Session) -> None:
    """Tell who built the assets of cells; every cell is looked at before the command fails."""
    matrix = session.matrix()
    cells = _cells(request.cells, matrix)
    source = session.source(request.source)
    fetcher = session.fetcher(matrix, source, session.pins())
    rows, failures = [], []
    for cell in cells:
        try:
            fetched = fetcher.fetch(cell)
            found = fetcher.attest(fetched)
        except AttestationError as fault:
            failures.append(fault.at(cell.name))
        except PipelineError as fault:
            raise fault.at(cell.name) from None
        else:
            rows.append([cell.name, fetched.asset.name, found.signer, found.commit, found.run])
    if rows:
        titles = ("cell", "asset", "signer", "source commit", "run")
        session.console.table([Column(title, folds=title != "cell") for title in titles], rows)
    if failures:
        raise _unproven(failures, len(cells))


def _unproven(failures: Sequence[AttestationError], cells: int) -> AttestationError:
    if len(failures) == 1:
        return failures[0]
    return AttestationError(
        f"{len(failures)} of {cells} assets are not proven",
        details=[
            f"{each.where}: {said}" for each in failures for said in (each.what, *each.details)
        ],
        hint=failures[0].hint,
    )


def _cells(names: Sequence[str], matrix: Matrix) -> tuple[Cell, ...]:
    known = {cell.name: cell for cell in all_cells(matrix)}
    if faults := [near_names("cell", name, known) for name in names if name not in known]:
        raise UsageError(
            "matrix.toml has no such cell", hint="Run 'goempy plan' to see all.", details=faults
        )
    return tuple(known[name] for name in dict.fromkeys(names))
