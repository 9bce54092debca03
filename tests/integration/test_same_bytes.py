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
from pipeline.build.digest import cell_digest, wheels_digest
from pipeline.build.pip_payload import build_wheels
from pipeline.config.cells import all_cells, asset_name
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Asset, Matrix, Wheel
from pipeline.formats.payload.reader import read_payload
from tests.builders.elf import Builder
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
        "44eef62c0df31ef00a31ab06cf5a36961debe690838a24fb0a5a3fd0426b233b",
        "ffe109f62984deef163abc115550930140385a1905d6c8c80506130fdade7899",
        "3aef4ff8b5b410454edeb4ea157c7870c4464802067fb60445fb1d93b2be2d12",
    ),
    "stream": (
        "44eef62c0df31ef00a31ab06cf5a36961debe690838a24fb0a5a3fd0426b233b",
        "94290dc3e3689f2b43a0ea96490af42ad72c1356f122181053959f8f6407152c",
        "550f2d6dbff664ef4530a90d965d0bc898b69cc7d5abe95130074727b24d7e36",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_cell(tmp_path: Path, layout: str) -> None:
    matrix = matrix_of(layout)
    cell = all_cells(matrix)[2]
    program = Builder(64, "little").build() + b"\0OpenSSL 3.5.4 30 Sep 2025\0"
    tree = unix_tree("3.13") | {"bin/python3.13t": program}
    data = full_archive(tree, version="3.13.17")
    name = asset_name(cell, matrix.archive)
    archive = tmp_path / name
    archive.write_bytes(data)
    asset = Asset(cell.line.pbs, name, hashlib.sha256(data).hexdigest(), len(data))
    plan = plan_cell(cell, asset, archive, matrix)
    made = apply_cell(plan, tmp_path / "out", matrix, processors=2)
    assert facts_of(made.folder) == CELLS[layout]


PIP = {
    "blobs": (
        "4ec1a5958c4e423c049bfe6799874cb493292e3cadce962b82d1459a6483a3c2",
        "738584812363a83d446a4292b6a2e755358891f928c940fc1f3d43cb82560530",
        "ed8941d74bc7ba794bbfb5f29ac7b280b5fea737c8a3bcaf3631907c01958fce",
    ),
    "stream": (
        "4ec1a5958c4e423c049bfe6799874cb493292e3cadce962b82d1459a6483a3c2",
        "59df3efb38a9653d3e43d8aff654524d82bb2b9939de9c4154bbf50a865902ff",
        "2a5dfdcbf1f52f4f092c1795fb39b23e11b39e878ad79098d4e6364975a27444",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pip(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "tool-1.0-py3-none-any.whl"
    path.write_bytes(WHEEL)
    wheels = {Wheel("tool", "1.0", WHEEL_SHA256): path}
    made = build_wheels(wheels, tmp_path / "out", matrix_of(layout), processors=1)
    assert facts_of(made.folder) == PIP[layout]


DIGESTS = {
    "blobs": {
        "3.14.9/linux-amd64": "a775bb19d411058f",
        "3.14.9/windows-amd64": "b182e19dad1b2d88",
        "3.13.17t/linux-amd64": "34a0caaec3daf0e9",
        "3.13.17t/windows-amd64": "72d096bfeeac4fcd",
        "pip": "738584812363a83d",
    },
    "stream": {
        "3.14.9/linux-amd64": "02fc898f1bf87753",
        "3.14.9/windows-amd64": "5e69bbbd455bd861",
        "3.13.17t/linux-amd64": "99adcb2cf74988a8",
        "3.13.17t/windows-amd64": "7bb4a20135a005b9",
        "pip": "59df3efb38a9653d",
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
