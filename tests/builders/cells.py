"""One cell, built of an archive."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline.build.cell import apply_cell, plan_cell
from pipeline.build.compressor import compressing
from pipeline.config.cells import all_cells
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Asset, Cell, Matrix
from tests.harness.project import Line, matrix_text

MATRIX = parse_matrix(matrix_text(Line()))
CELL = all_cells(MATRIX)[0]
NAME = "cpython-3.14.9+20261021-x86_64-unknown-linux-gnu-pgo+lto-full.tar.zst"


def build(
    folder: Path, data: bytes, cell: Cell = CELL, matrix: Matrix = MATRIX
) -> tuple[Path, bytes]:
    """Build the cell of an archive; returns the payload's folder and manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    path.write_bytes(data)
    asset = Asset("20261021", NAME, hashlib.sha256(data).hexdigest(), len(data))
    plan = plan_cell(cell, asset, path, matrix)
    with compressing(folder, 2) as compressor:
        result = apply_cell(plan, folder / "out", matrix, compressor)
    return result.folder, (result.folder / "files.json").read_bytes()
