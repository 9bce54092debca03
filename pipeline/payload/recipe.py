"""What decides a payload's bytes, as digests: equal digests, equal payloads."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping

from pipeline.model import Cell, Matrix, Origin
from pipeline.payload.compress import ZSTANDARD
from pipeline.payload.manifest import FORMAT

RECIPE = 1
"""Raised when this code packs the same input to other bytes; a test with a fixed tree notices."""


def origin_of(cell: Cell, asset_sha256: str) -> Origin:
    """What a payload's manifest says of the interpreter in it."""
    line = cell.line
    return Origin(str(line.python), line.pbs, cell.platform.triple, line.variant, asset_sha256)


def cell_digest(cell: Cell, asset_sha256: str, matrix: Matrix) -> str:
    """The digest of everything that decides the bytes of the cell's payload."""
    return _digest(
        {
            "asset": asset_sha256,
            "archive": matrix.archive,
            "origin": dataclasses.asdict(origin_of(cell, asset_sha256)),
            "windows": cell.platform.goos == "windows",
            "trim": dataclasses.asdict(matrix.trim),
            "payload": dataclasses.asdict(matrix.payload),
        }
    )


def wheels_digest(matrix: Matrix) -> str:
    """The digest of everything that decides the bytes of the payload of ``[pip]``."""
    return _digest(
        {
            "wheels": [wheel.sha256 for wheel in matrix.wheels],
            "payload": dataclasses.asdict(matrix.payload),
        }
    )


def _digest(deciding: Mapping[str, object]) -> str:
    whole = {"recipe": RECIPE, "format": FORMAT, "zstandard": ZSTANDARD, **deciding}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
