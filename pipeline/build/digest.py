"""Digests of everything that decides a payload's bytes: equal digests, equal payloads."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping

from pipeline.build.compress import ZSTANDARD
from pipeline.config.cells import asset_name
from pipeline.config.model import COMMON_BYTECODE, Cell, Matrix, PayloadConfig, TrimConfig
from pipeline.formats.payload.manifest import FORMAT
from pipeline.formats.payload.model import Origin

RECIPE = 5
"""Raised when this code packs the same input to other bytes; a test with a fixed tree checks it."""


def origin_of(cell: Cell, asset_sha256: str, matrix: Matrix, attestation: str = "") -> Origin:
    """The origin of a cell's interpreter, for the payload's manifest."""
    line = cell.line
    name = asset_name(cell, matrix.archive)
    return Origin(
        str(line.python), line.pbs, cell.platform.triple, line.variant, asset_sha256, name,
        attestation,
    )  # fmt: skip


def payload_config(cell: Cell, matrix: Matrix) -> PayloadConfig:
    """``[payload]`` with the bytecode of the line, and without globs that have no effect."""
    bytecode = cell.line.bytecode or matrix.payload.bytecode
    globs = matrix.payload.common_bytecode if bytecode == COMMON_BYTECODE else ()
    return dataclasses.replace(matrix.payload, bytecode=bytecode, common_bytecode=globs)


def cell_digest(cell: Cell, asset_sha256: str, matrix: Matrix) -> str:
    """The digest of everything that decides the bytes of the cell's payload."""
    return _digest(
        {
            "asset": asset_sha256,
            "archive": matrix.archive,
            "origin": _origin_fields(origin_of(cell, asset_sha256, matrix)),
            "attest": matrix.attest,
            "windows": cell.platform.goos == "windows",
            "trim": _trim_fields(matrix.trim),
            "payload": _payload_fields(payload_config(cell, matrix)),
        }
    )


def _origin_fields(origin: Origin) -> dict[str, str]:
    return {
        "version": origin.version,
        "pbs": origin.pbs,
        "triple": origin.triple,
        "variant": origin.variant,
        "asset_sha256": origin.asset_sha256,
        "asset": origin.asset,
        "attestation": origin.attestation,
    }


def _trim_fields(trim: TrimConfig) -> dict[str, object]:
    return {
        "keep_unix": trim.keep_unix,
        "keep_windows": trim.keep_windows,
        "drop": [{"reason": rule.reason, "globs": rule.globs} for rule in trim.drop],
        "parts": [
            {"name": part.name, "ship": part.ship, "globs": part.globs, "needs": part.needs}
            for part in trim.parts
        ],
        "unless_needed": trim.unless_needed,
        "strip": trim.strip,
    }


def _payload_fields(config: PayloadConfig) -> dict[str, object]:
    return {
        "codec": config.codec,
        "level": config.level,
        "layout": config.layout,
        "bytecode": config.bytecode,
        "common_bytecode": config.common_bytecode,
    }


def wheels_digest(matrix: Matrix) -> str:
    """The digest of everything that decides the bytes of the payload of ``[pip]``."""
    return _digest(
        {
            "wheels": [wheel.sha256 for wheel in matrix.wheels],
            "codec": matrix.payload.codec,
            "level": matrix.payload.level,
            "layout": matrix.payload.layout,
        }
    )


def _digest(inputs: Mapping[str, object]) -> str:
    inputs = {"recipe": RECIPE, "format": FORMAT, "zstandard": ZSTANDARD, **inputs}
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
