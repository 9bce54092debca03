"""What a release run does, and the jobs that a workflow makes of it."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.release.plan import plan_release
from pipeline.release.workflow_jobs import github_matrix
from pipeline.system.errors import UsageError
from tests.harness.project import Line, Project, make_project, matrix_text


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
    plan = plan_release(NAMES, NAMES, found, ["v0.2.0"], rebuild=False, dry_run=False)
    assert plan.built == ("a/y", "b/x")
    assert plan.reused == found
    assert plan.missing == ()


def test_without_a_tag_to_make_nothing_is_built() -> None:
    plan = plan_release(NAMES, NAMES, {}, [], rebuild=False, dry_run=False)
    assert (plan.built, plan.reused, plan.missing) == ((), {}, ())


def test_a_rebuild_builds_the_chosen_cells_whatever_exists() -> None:
    found = {"a/x": "v0.1.0", "b/x": "v0.1.0"}
    plan = plan_release(NAMES, {"b/x"}, found, ["v0.2.0"], rebuild=True, dry_run=False)
    assert plan.built == ("b/x",)
    assert plan.reused == {"a/x": "v0.1.0"}
    assert plan.missing == ("a/y", "pip")
    # Compared with tags that exist, the others are not needed.
    assert plan_release(NAMES, {"b/x"}, found, [], rebuild=True, dry_run=False).missing == ()


def test_cells_that_are_neither_chosen_nor_found_are_missing() -> None:
    plan = plan_release(NAMES, {"a/x"}, {"a/y": "v0.1.0"}, ["v0.2.0"], rebuild=False, dry_run=False)
    assert plan.missing == ("b/x", "pip")


def test_256_cells_are_a_matrix() -> None:
    assert len(github_matrix([{"cell": "any"}] * 256)["include"]) == 256


def test_the_payload_of_pip_is_a_job_of_its_own(project: Project) -> None:
    project.write("matrix.toml", matrix_text(Line(), pip=True))
    outputs = json.loads(project.run("plan", "--json", "--only-platforms", "linux/amd64").out)
    jobs = outputs["cells"]["include"]
    assert [job["cell"] for job in jobs] == ["3.14.9/linux-amd64", "pip"]
    assert jobs[0].keys() == jobs[1].keys()
    assert set(jobs[1].values()) == {"pip", ""}
    rows = project.run("plan").out.splitlines()
    (pip,) = [row for row in rows if row.startswith("pip ")]
    assert [name in pip for name in ("packaging ", "pip ", "setuptools ", "wheel ")] == [True] * 4
