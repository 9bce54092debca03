"""The payloads of a directory, checked against what the matrix makes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from pipeline.build.digest import cell_digest, wheels_digest
from pipeline.config.model import PIP_CELL, Cell, Matrix, Pin
from pipeline.formats.payload.reader import Payload, read_payload, verify_payload
from pipeline.system.errors import PayloadError


def payload_names(cells: Sequence[Cell], matrix: Matrix) -> tuple[str, ...]:
    """What a release of ``cells`` takes: a payload of each cell, and of ``[pip]``."""
    return (*(cell.name for cell in cells), *((PIP_CELL,) if matrix.wheels else ()))


def require_all(names: Sequence[str], there: Collection[str], what: str) -> None:
    """Raise ``PayloadError`` (``what`` is its sentence) for all of ``names`` not ``there``."""
    if missing := [name for name in names if name not in there]:
        raise PayloadError(
            what,
            details=missing,
            hint="Build them with 'goempy build', or leave them out with --lines or "
            "--only-platforms.",
        )


def load_payloads(
    cells: Sequence[Cell], matrix: Matrix, folder: Path, pins: Mapping[str, Pin]
) -> Mapping[str, Payload]:
    """The payloads of ``folder`` by cell name, verified to be what the matrix and its lock make.

    ``pins`` are by asset name. Raises ``PayloadError`` for the first that is not.
    """
    digest_for: dict[str, Callable[[Payload], str]] = {
        cell.name: partial(expected_digest, cell, matrix) for cell in cells
    }
    if matrix.wheels:
        digest_for[PIP_CELL] = lambda _payload: wheels_digest(matrix)
    payloads = {}
    for name in (name for name in digest_for if (folder / name).is_dir()):
        try:
            payload = read_payload(folder / name)
            if payload.manifest.cell_digest != digest_for[name](payload):
                raise _foreign(payload)
            _require_pinned(payload, pins)
            verify_payload(payload)
        except PayloadError as fault:
            raise fault.at(name) from None
        payloads[name] = payload
    return payloads


def _require_pinned(payload: Payload, pins: Mapping[str, Pin]) -> None:
    origin = payload.manifest.origin
    pin = pins.get(origin.asset) if origin else None
    if origin and pin and pin.sha256 != origin.asset_sha256:
        raise PayloadError(
            f"{payload.folder} was built from another {origin.asset} than matrix.lock pins",
            details=[f"pinned {pin.sha256}", f"packed {origin.asset_sha256}"],
            hint="Build the cell again.",
        )


def expected_digest(cell: Cell, matrix: Matrix, payload: Payload) -> str:
    """The cell digest for the asset that the payload was built from; ``""`` if from none."""
    origin = payload.manifest.origin
    return cell_digest(cell, origin.asset_sha256, matrix) if origin else ""


def _foreign(payload: Payload) -> PayloadError:
    origin = payload.manifest.origin
    made_of = (
        f"CPython {origin.version} of PBS {origin.pbs} for {origin.triple}"
        if origin
        else "something else"
    )
    return PayloadError(
        f"{payload.folder} was built from {made_of}, or by other rules than matrix.toml has now",
        hint="Build the cell again.",
    )
