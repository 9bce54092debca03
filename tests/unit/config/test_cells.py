"""Cells, their selection, and the names that PBS gives their archives."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from pipeline.config.cells import all_cells, asset_name, find_primary, select_cells, split_cells
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import FREE_THREADED, FULL, Cell, PythonVersion
from pipeline.config.model import Line as MatrixLine
from pipeline.release.plan import plan_release
from pipeline.release.workflow_jobs import github_matrix
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


def test_primary() -> None:
    assert find_primary(MATRIX.lines, "3.13\n").name == "3.13.17"
    with pytest.raises(ConfigError, match=r"PRIMARY_PYTHON is '3.9', and no line") as caught:
        find_primary(MATRIX.lines, "3.9")
    assert "3.14.9, 3.13.17, 3.10.22" in caught.value.hint
    assert find_primary(MATRIX.lines, "3.10.22").name == "3.10.22"


def test_the_primary_is_never_a_free_threaded_line() -> None:
    line = MatrixLine(PythonVersion(3, 14, 9), "20261021", FREE_THREADED)
    assert find_primary([line, *MATRIX.lines], "3.14").variant == ""


def test_json_has_the_shape_of_a_github_matrix(project: Project) -> None:
    matrix = json.loads(project.run("plan", "--json").out)["cells"]
    assert list(matrix) == ["include"]
    assert len(matrix["include"]) == 5
    for job in matrix["include"]:
        assert all(isinstance(value, str) for value in job.values())
    assert matrix["include"][0] == {
        "cell": "3.14.9/linux-amd64",
        "name": "3.14.9-linux-amd64",
        "platform": "linux-amd64",
        "python": "3.14.9",
        "asset": "cpython-3.14.9+20261021-x86_64-unknown-linux-gnu-pgo+lto-full.tar.zst",
        "sha256": "",
    }


def test_more_jobs_than_github_takes_are_not_passed_over(tmp_path: Path) -> None:
    many = [Line(f"3.14.{patch}") for patch in range(52)]
    project = make_project(tmp_path, *many, Line("3.13.17"), primary="3.13")
    outcome = project.run("plan", "--json")
    assert outcome.code == UsageError.exit_code
    assert outcome.out == ""
    assert "265 cells are more than the 256 jobs of a GitHub matrix" in outcome.log
    assert "--lines" in outcome.log
    assert project.run("plan", "--json", "--only-platforms", "linux/amd64").code == 0


NAMES = ("a/x", "a/y", "b/x", "pip")


def test_what_no_tag_holds_is_built() -> None:
    found = {"a/x": "v0.1.0", "pip": "v0.1.0"}
    course = plan_release(NAMES, NAMES, found, ["v0.2.0"], rebuild=False)
    assert course.built == ("a/y", "b/x")
    assert course.reused == found
    assert course.missing == ()


def test_without_a_tag_to_make_nothing_is_built() -> None:
    course = plan_release(NAMES, NAMES, {}, [], rebuild=False)
    assert (course.built, course.reused, course.missing) == ((), {}, ())


def test_a_rebuild_builds_the_chosen_cells_whatever_exists() -> None:
    found = {"a/x": "v0.1.0", "b/x": "v0.1.0"}
    course = plan_release(NAMES, {"b/x"}, found, ["v0.2.0"], rebuild=True)
    assert course.built == ("b/x",)
    assert course.reused == {"a/x": "v0.1.0"}
    assert course.missing == ("a/y", "pip")
    # Compared with tags that exist, the others are not needed.
    assert plan_release(NAMES, {"b/x"}, found, [], rebuild=True).missing == ()


def test_cells_that_are_neither_chosen_nor_found_are_missing() -> None:
    course = plan_release(NAMES, {"a/x"}, {"a/y": "v0.1.0"}, ["v0.2.0"], rebuild=False)
    assert course.missing == ("b/x", "pip")


@pytest.mark.parametrize("name", ["--lines", "--only-platforms"])
def test_all_means_all(project: Project, name: str) -> None:
    assert project.run("plan", name, "all").out == project.run("plan").out


def test_256_cells_are_a_matrix() -> None:
    assert len(github_matrix([{"cell": "any"}] * 256)["include"]) == 256


def test_the_payload_of_pip_is_a_job_of_its_own(project: Project) -> None:
    project.write("matrix.toml", matrix_text(Line(), pip=True))
    told = json.loads(project.run("plan", "--json", "--only-platforms", "linux/amd64").out)
    jobs = told["cells"]["include"]
    assert [job["cell"] for job in jobs] == ["3.14.9/linux-amd64", "pip"]
    assert jobs[0].keys() == jobs[1].keys()
    assert set(jobs[1].values()) == {"pip", ""}
    rows = project.run("plan").out.splitlines()
    assert [row.split()[2] for row in rows if row.startswith("pip ")] == [
        "packaging", "pip", "setuptools", "wheel",
    ]  # fmt: skip
