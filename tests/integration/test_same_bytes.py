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
        "c4b9b2374568ad919ed571602611ffa44cea0c7576146d5b1144881bf6433cd9",
        "70df7bb8256c25744132be8163023e4accf43b04b264428e26c51705a18e3921",
    ),
    "stream": (
        "02c441f63c9ec7e6df568459a03f3740945d83c856a22d3d094a39a72e4b4608",
        "5c0c5af6a258ca92589deb1634757b96a8c91c8c3d6ad665f0e9fff9e9c0ba32",
        "960f83dbb28d34d5c069114263fb35831def0e143e3ddcac09b4e4f876b19d95",
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
        "71ef765e3552ba045ec4370a05e3a96dcfb0c32039824c21882bb055f51db3be",
        "e9887dc3981ff0d1d0c4f46c29612e66715fa1c16702ff7ff72c95763fae1dbc",
    ),
    "stream": (
        "4ec1a5958c4e423c049bfe6799874cb493292e3cadce962b82d1459a6483a3c2",
        "2586ee59305734d21533d774b81654ed90f61f26808867e600d83fc8f2d43c5f",
        "378166f41b9c0c977101824690ee8b4ffc04c579192782260e7cdf33851933bd",
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
        "3.14.9/linux-amd64": "be838f2646f871dd",
        "3.14.9/windows-amd64": "ab0aa7d77866635f",
        "3.13.17t/linux-amd64": "1bfa1631e75a2e23",
        "3.13.17t/windows-amd64": "1e0ba0dd38ebeee0",
        "pip": "71ef765e3552ba04",
    },
    "stream": {
        "3.14.9/linux-amd64": "3e30253991c45a62",
        "3.14.9/windows-amd64": "c72849217691fa0e",
        "3.13.17t/linux-amd64": "229bc1b91f8c6c92",
        "3.13.17t/windows-amd64": "f8b0f0896627cbbc",
        "pip": "2586ee59305734d2",
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
