"""Cells, their selection, and the names that PBS gives their archives."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from pipeline.config.cells import all_cells, asset_name, find_primary, select_cells, split_cells
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import FREE_THREADED, FULL, Cell, PythonVersion
from pipeline.config.model import Line as MatrixLine
from pipeline.system.errors import ConfigError, UsageError
from tests.harness.project import REPOSITORY, Line, Project, make_project, matrix_text

MATRIX = parse_matrix(matrix_text(Line(), Line("3.13.17"), Line("3.10.22", "20261009")))
CELLS = all_cells(MATRIX)


def names(cells: tuple[Cell, ...]) -> list[str]:
    return [cell.name for cell in cells]


def test_every_asset_of_the_matrix_is_pinned_under_its_real_name() -> None:
    """``matrix.lock`` was filled from the names and digests that PBS published."""
    matrix = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8"))
    lock = (REPOSITORY / "matrix.lock").read_text("utf-8")
    locked = set(re.findall(r'^name = "(.*)"$', lock, re.MULTILINE))
    cells = {asset_name(cell, matrix.archive): cell for cell in all_cells(matrix)}
    assert locked <= set(cells)
    # Nobody has recorded the digests of these yet; `goempy lock` does, where it reaches PBS.
    missing = {cells[name].platform.name for name in set(cells) - locked}
    assert missing <= {"linux-amd64-musl", "linux-arm64-musl", "linux-amd64-v3"}


@pytest.mark.parametrize(
    ("variant", "archive", "tail"),
    [
        ("", FULL, "pgo+lto-full.tar.zst"),
        (FREE_THREADED, FULL, "freethreaded+pgo+lto-full.tar.zst"),
        ("", "install_only_stripped", "install_only_stripped.tar.gz"),
        (
            FREE_THREADED,
            "install_only_stripped",
            "freethreaded-install_only_stripped.tar.gz",
        ),
    ],
)
def test_asset_names(variant: str, archive: str, tail: str) -> None:
    line = dataclasses.replace(CELLS[0].line, variant=variant)
    name = asset_name(Cell(line, CELLS[0].platform), archive)
    assert name == f"cpython-3.14.9+20261021-x86_64-unknown-linux-gnu-{tail}"


def test_selection() -> None:
    assert len(select_cells(CELLS)) == 15
    assert names(select_cells(CELLS, lines=["3.13"], platforms=["linux/amd64"])) == [
        "3.13.17/linux-amd64"
    ]
    assert len(select_cells(CELLS, lines=["3.13.17", "3.10"])) == 10
    assert len(select_cells(CELLS, platforms=["darwin-arm64", "windows/amd64"])) == 6


def test_what_pbs_has_not_is_left_out_with_the_reason() -> None:
    everywhere = Line("3.10.22", "20261009", platforms=None)
    threaded = Line("3.13.17", more='variant = "freethreaded"', platforms=None)
    divided = split_cells(parse_matrix(matrix_text(everywhere, threaded)))
    assert [(each.cell.name, each.reason) for each in divided.left_out] == [
        ("3.10.22/windows-arm64", "PBS has aarch64-pc-windows-msvc from Python 3.11 on")
    ]
    assert len(divided.present) == 8 + 9


def test_a_line_without_any_cell_is_a_fault() -> None:
    old = Line("3.12.15", more='variant = "freethreaded"')
    with pytest.raises(ConfigError) as caught:
        split_cells(parse_matrix(matrix_text(Line(), old)))
    assert caught.value.details == (
        "line 3.12.15t", "PBS has free-threaded builds from Python 3.13 on",
    )  # fmt: skip


def test_a_platform_that_is_off_is_for_lines_that_name_it() -> None:
    named = Line(platforms=("linux-armv7", "linux-amd64"))
    text = matrix_text(Line("3.13.17", platforms=None), named)
    cells = names(all_cells(parse_matrix(text)))
    assert "3.13.17/linux-armv7" not in cells
    assert cells[-2:] == ["3.14.9/linux-amd64", "3.14.9/linux-armv7"]


def test_the_plan_shows_what_is_left_out_and_what_is_off(tmp_path: Path) -> None:
    line = Line("3.10.22", "20261009", platforms=None)
    outcome = make_project(tmp_path, line, primary="3.10").run("plan")
    assert "3.10.22/windows-arm64: PBS has aarch64-pc-windows-msvc from Python 3.11 on" in (
        outcome.log
    )
    assert "off, unless a line names them: linux-amd64-v2, linux-amd64-v4" in outcome.log


def test_a_selection_that_names_nothing_known() -> None:
    with pytest.raises(UsageError) as caught:
        select_cells(CELLS, lines=["3.14.8"], platforms=["linux/amd46"])
    assert caught.value.details == (
        "no line '3.14.8'; did you mean '3.14.9'?",
        "no platform 'linux/amd46'; did you mean 'linux/amd64'?",
    )


def test_a_selected_platform_that_is_disabled() -> None:
    disabled = [dataclasses.replace(CELLS[0].platform, name="linux-riscv64", goarch="riscv64")]
    for name in ("linux-riscv64", "linux/riscv64"):
        with pytest.raises(UsageError) as caught:
            select_cells(CELLS, platforms=[name], disabled=disabled)
        assert caught.value.details == (f"platform {name!r} has enabled = false",)


def test_primary() -> None:
    assert find_primary(MATRIX.lines, "3.13\n").name == "3.13.17"
    with pytest.raises(ConfigError, match=r"PRIMARY_PYTHON is '3.9', and no line") as caught:
        find_primary(MATRIX.lines, "3.9")
    assert "3.14.9, 3.13.17, 3.10.22" in caught.value.hint
    assert find_primary(MATRIX.lines, "3.10.22").name == "3.10.22"


def test_the_primary_is_never_a_free_threaded_line() -> None:
    line = MatrixLine(PythonVersion(3, 14, 9), "20261021", FREE_THREADED)
    assert find_primary([line, *MATRIX.lines], "3.14").variant == ""


@pytest.mark.parametrize("name", ["--lines", "--only-platforms"])
def test_all_means_all(project: Project, name: str) -> None:
    assert project.run("plan", name, "all").out == project.run("plan").out
