"""Payloads from job to job as tars, and releases of this machine that build only what changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.system.errors import AssetNotFoundError, UsageError
from tests.builders.payloads import bytes_below
from tests.builders.site import CELLS, asset, full_archives, make_site
from tests.harness.project import Project, git


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose assets are all in ``tmp_path/assets``."""
    return make_site(tmp_path, archives=full_archives()).project


def release(project: Project, folder: Path, assets: str = "assets") -> str:
    outcome = project.run(
        "release", "--source", folder / assets, "--out", folder / "dist",
        "--only-platforms", "linux-amd64,windows-amd64",
    )  # fmt: skip
    assert outcome.code == 0, outcome.log
    return outcome.out


def reused(out: str) -> list[str]:
    rows = [row.split() for row in out.splitlines() if row.endswith("reused")]
    return [row[0] for row in rows]


def test_a_job_packs_what_another_unpacks(project: Project, tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    for number, name in enumerate(CELLS[:2]):
        folder = tmp_path / "artifacts" / str(number)
        folder.mkdir(parents=True)
        outcome = project.run(
            "build", name, "--out", tmp_path / "built", "--source", tmp_path / "assets",
            "--pack", folder / "payload.tar", env={"GITHUB_STEP_SUMMARY": str(summary)},
        )  # fmt: skip
        assert outcome.code == 0, outcome.log
        assert f"| {name} | " in summary.read_text("utf-8")
    outcome = project.run("unpack", tmp_path / "artifacts", "--out", tmp_path / "payloads")
    assert outcome.code == 0, outcome.log
    assert outcome.out.split() == CELLS[:2]
    for name in CELLS[:2]:
        built = bytes_below(tmp_path / "built" / name)
        assert bytes_below(tmp_path / "payloads" / name) == built


def test_a_folder_is_no_tar_and_nothing_is_built_for_it(project: Project, tmp_path: Path) -> None:
    outcome = project.run(
        "build", CELLS[0], "--out", tmp_path / "built", "--source", tmp_path / "assets",
        "--pack", tmp_path,
    )  # fmt: skip
    assert outcome.code == UsageError.exit_code
    assert not (tmp_path / "built").exists()


def test_nothing_to_unpack_is_no_failure(project: Project, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    outcome = project.run("unpack", tmp_path / "none", "--out", tmp_path / "payloads")
    assert outcome.code == 0
    assert "0 payloads" in outcome.log


@pytest.mark.parametrize(
    "command",
    [("unpack", "elsewhere", "--out", "new"), ("finalize", "--repo", ".", "--payloads", "new")],
)
def test_a_folder_that_is_not_there_is_a_mistake_and_is_not_made(
    project: Project, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(project.root)
    outcome = project.run(*command)
    assert outcome.code == UsageError.exit_code
    assert "there is no folder" in outcome.log
    assert not (project.root / "new").exists()


def test_a_release_builds_only_what_no_tag_holds(project: Project, tmp_path: Path) -> None:
    assert reused(release(project, tmp_path)) == []
    repository = tmp_path / "dist" / "release.git"
    project.write("VERSION", "0.2.0\n")
    for gone in (tmp_path / "cache", tmp_path / "dist" / "payloads"):
        shutil.rmtree(gone)
    (tmp_path / "few").mkdir()
    name = asset("3.13.17", "linux-amd64")
    shutil.copy(tmp_path / "assets" / name, tmp_path / "few" / name)
    # All are tagged, so not one asset is needed.
    assert reused(release(project, tmp_path, "few")) == CELLS
    assert "v0.2.0-py3.13.17" in git(repository, "tag")
    ids = git(repository, "rev-parse", "v0.2.0^{commit}", "v0.2.0-py3.13.17^{commit}")
    project.write("VERSION", "0.3.0\n")
    matrix = (project.root / "matrix.toml").read_text("utf-8")
    project.write("matrix.toml", matrix.replace("level = 3", "level = 4"))
    outcome = project.run(
        "release", "--source", tmp_path / "few", "--out", tmp_path / "dist",
        "--only-platforms", "linux-amd64", "--lines", "3.14",
    )  # fmt: skip
    assert outcome.code == AssetNotFoundError.exit_code
    # From nothing it is the same.
    project.write("matrix.toml", matrix)
    project.write("VERSION", "0.2.0\n")
    shutil.rmtree(tmp_path / "dist")
    release(project, tmp_path)
    again = git(repository, "rev-parse", "v0.2.0^{commit}", "v0.2.0-py3.13.17^{commit}")
    assert again == ids


def test_what_an_earlier_run_left_in_the_folder_is_not_taken(
    project: Project, tmp_path: Path
) -> None:
    release(project, tmp_path)
    for name in CELLS:
        (tmp_path / "dist" / "payloads" / name / "files.json").write_text("damage")
    project.write("VERSION", "0.2.0\n")
    assert reused(release(project, tmp_path)) == CELLS
