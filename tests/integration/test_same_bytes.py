"""Payloads of fixed inputs: no rename changes their bytes, ``contentHash`` or ``cell`` digests.

Tags that exist are found by these digests. Where one changes on purpose, ``RECIPE`` is raised.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.build.cell import apply_cell, plan_cell
from pipeline.build.compressor import compressing
from pipeline.build.digest import cell_digest, wheels_digest
from pipeline.build.pip_payload import build_wheels
from pipeline.config.cells import all_cells, asset_name
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Asset, Matrix, Wheel
from pipeline.formats.payload.reader import read_payload
from tests.builders.elf import amd64_program
from tests.builders.pbs_archive import full_archive, unix_tree
from tests.builders.wheels import wheel_bytes

MATRIX = """
module = "example.com/module"
archive = "full"

[[line]]
python = "3.14.9"
pbs = "20261021"

[[line]]
python = "3.13.17"
pbs = "20261021"
variant = "freethreaded"
bytecode = "none"

[[platform]]
name = "linux-amd64"
triple = "x86_64-unknown-linux-gnu"
build = "pgo+lto"
goos = "linux"
goarch = "amd64"

[[platform]]
name = "windows-amd64"
triple = "x86_64-pc-windows-msvc"
build = "pgo"
goos = "windows"
goarch = "amd64"

[trim]
keep_unix = ["bin/python3*", "lib/**"]
keep_windows = ["*.exe", "*.dll", "DLLs/*", "Lib/**"]
strip = true
unless_needed = ["lib/*.so*"]

[[trim.drop]]
reason = "tests"
globs = ["**/test/**"]

[[trim.part]]
name = "pip"
ship = false
globs = ["lib/python*/site-packages/pip/**", "Lib/site-packages/pip/**"]

[[trim.part]]
name = "idle"
ship = true
globs = ["lib/python*/idlelib/**"]

[payload]
level = 3
layout = "LAYOUT"
bytecode = "common"
common_bytecode = ["os.py"]

[pip]
tool = { version = "1.0", sha256 = "SHA256" }
"""
WHEEL = wheel_bytes()
WHEEL_SHA256 = hashlib.sha256(WHEEL).hexdigest()
LAYOUTS = ("blobs", "stream")


def matrix_of(layout: str) -> Matrix:
    return parse_matrix(MATRIX.replace("LAYOUT", layout).replace("SHA256", WHEEL_SHA256))


def bytes_of(folder: Path) -> str:
    """One digest of all files of a payload and their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def facts_of(folder: Path) -> tuple[str, str, str]:
    manifest = read_payload(folder).manifest
    return manifest.content_hash, manifest.cell_digest, bytes_of(folder)


CELLS = {
    "blobs": (
        "02c441f63c9ec7e6df568459a03f3740945d83c856a22d3d094a39a72e4b4608",
        "87018d4da2f4cad80543391edda126b2e7bc46b7d0922f24668dbc5333faa75e",
        "406dcf0df2b45e4e3565ffb5474a60d6629fa62d92fed5e36bbec94c11bb708c",
    ),
    "stream": (
        "02c441f63c9ec7e6df568459a03f3740945d83c856a22d3d094a39a72e4b4608",
        "0a64afac0018dda291b618b392a332927232a88614a786b5af0f36e9386847b5",
        "98fa6ba0928be25ded7156421d2a688a62785f7c195463c82a5547344e5a0291",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_cell(tmp_path: Path, layout: str) -> None:
    matrix = matrix_of(layout)
    cell = all_cells(matrix)[2]
    program = amd64_program() + b"\0OpenSSL 3.5.4 30 Sep 2025\0"
    tree = unix_tree("3.13") | {"bin/python3.13t": program}
    data = full_archive(tree, version="3.13.17")
    name = asset_name(cell, matrix.archive)
    archive = tmp_path / name
    archive.write_bytes(data)
    asset = Asset(cell.line.pbs, name, hashlib.sha256(data).hexdigest(), len(data))
    plan = plan_cell(cell, asset, archive, matrix)
    with compressing(tmp_path, 2) as compressor:
        made = apply_cell(plan, tmp_path / "out", matrix, compressor)
    assert facts_of(made.folder) == CELLS[layout]


PIP = {
    "blobs": (
        "4ec1a5958c4e423c049bfe6799874cb493292e3cadce962b82d1459a6483a3c2",
        "ea8b11c94a10c54b6f9711a7fd81f3cebf87efd1a59de73600b4ee886df6032f",
        "9618d7e53253a5f20171a3f04fa0a83bbf715c77803a4078b6b460aa6cb9cbd6",
    ),
    "stream": (
        "4ec1a5958c4e423c049bfe6799874cb493292e3cadce962b82d1459a6483a3c2",
        "006852bc6ccb609e271e6fa6ae41bc408491506bb83e2b9a8400621e7e0f4638",
        "7682ea3ebe768f2d9b33ddc21645e070c977c8f71d38ffa754e84cd0d07b4243",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pip(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "tool-1.0-py3-none-any.whl"
    path.write_bytes(WHEEL)
    wheels = {Wheel("tool", "1.0", WHEEL_SHA256): path}
    with compressing(tmp_path, 1) as compressor:
        made = build_wheels(wheels, tmp_path / "out", matrix_of(layout), compressor)
    assert facts_of(made.folder) == PIP[layout]


DIGESTS = {
    "blobs": {
        "3.14.9/linux-amd64": "f2fae2ca04bdd576",
        "3.14.9/windows-amd64": "a343f1b4dbe3963f",
        "3.13.17t/linux-amd64": "6fcd02b299c7927f",
        "3.13.17t/windows-amd64": "48ecfdbe6b40a59c",
        "pip": "ea8b11c94a10c54b",
    },
    "stream": {
        "3.14.9/linux-amd64": "9b942714714eb4f0",
        "3.14.9/windows-amd64": "526fab35808ca545",
        "3.13.17t/linux-amd64": "e2e4c32d8ddcfbbb",
        "3.13.17t/windows-amd64": "1f74b2ae4779a0e0",
        "pip": "006852bc6ccb609e",
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_digests_of_cells(layout: str) -> None:
    matrix = matrix_of(layout)
    digests = {cell.name: cell_digest(cell, "ab" * 32, matrix)[:16] for cell in all_cells(matrix)}
    assert {**digests, "pip": wheels_digest(matrix)[:16]} == DIGESTS[layout]


def changed(matrix: Matrix) -> Iterator[tuple[str, Matrix]]:
    """The matrix with another value in one field of ``[trim]`` or ``[payload]``, for each field."""
    others = {"keep_unix": ("x",), "keep_windows": ("x",), "drop": (), "parts": (), "strip": False,
              "unless_needed": (), "codec": "none", "level": 4, "layout": "stream",
              "bytecode": "all", "common_bytecode": ("x",)}  # fmt: skip
    for table in ("trim", "payload"):
        value = getattr(matrix, table)
        for field in dataclasses.fields(value):
            other = dataclasses.replace(value, **{field.name: others[field.name]})
            yield field.name, dataclasses.replace(matrix, **{table: other})


def test_whatever_decides_the_bytes_is_in_the_digest() -> None:
    matrix = matrix_of("blobs")
    cell = all_cells(matrix)[0]
    before = cell_digest(cell, "ab" * 32, matrix)
    for name, other in changed(matrix):
        assert cell_digest(cell, "ab" * 32, other) != before, name
