"""``goempy plan --json``: what a release run does, by the tags that exist."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.config.lock import dump_lock, parse_lock
from pipeline.system.errors import GitError, TagConflictError
from tests.builders.site import CELLS, NEXT_TAGS, TAGS, Site, make_released, make_site
from tests.harness.project import Project, git, make_project


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_released(tmp_path)


def built(planned: dict[str, dict[str, list[dict[str, str]]]]) -> list[str]:
    return [row["cell"] for row in planned["cells"]["include"]]


def test_the_first_release_builds_all(tmp_path: Path) -> None:
    planned = make_site(tmp_path).plan()
    assert built(planned) == CELLS
    assert [planned[key] for key in ("build", "release", "reuse")] == ["true", "true", "0"]
    assert planned["tags"] == " ".join(TAGS)
    row = planned["cells"]["include"][0]
    assert row["sha256"] == "ab" * 32
    assert row["name"] == "3.14.9-linux-amd64"


@pytest.mark.parametrize("shallow", [True, False])
def test_a_version_alone_builds_nothing(site: Site, *, shallow: bool) -> None:
    site.raise_version()
    checkout = site.checkout(shallow=shallow)
    before = checkout.git("config", "--list"), checkout.git("for-each-ref")
    planned = site.plan(checkout=checkout)
    assert built(planned) == []
    assert [planned[key] for key in ("build", "release", "reuse")] == ["false", "true", "4"]
    assert planned["tags"] == " ".join(NEXT_TAGS)
    # The checkout is as it was: git would note a depth or a filter in it.
    assert (checkout.git("config", "--list"), checkout.git("for-each-ref")) == before
    assert (
        git(checkout.root, "rev-parse", "--is-shallow-repository").strip() == str(shallow).lower()
    )


@pytest.mark.parametrize("knows_filters", ["true", "false"])
def test_a_version_that_is_released_is_nothing_to_do(site: Site, knows_filters: str) -> None:
    git(site.remote, "config", "uploadpack.allowFilter", knows_filters)
    site.commit("Another commit")
    planned = site.plan(checkout=site.checkout())
    assert built(planned) == []
    assert [planned[key] for key in ("build", "release", "reuse", "tags")] == [
        "false", "false", "0", "",
    ]  # fmt: skip
    assert site.plan() == planned


def test_an_older_version_that_is_released_is_nothing_to_do_either(site: Site) -> None:
    site.raise_version()
    assert site.push().code == 0
    site.raise_version("0.1.0")
    assert site.plan()["release"] == "false"


def test_a_cell_that_changed_is_built_alone(site: Site) -> None:
    text = (site.project.root / "matrix.lock").read_text("utf-8")
    pins = list(parse_lock(text).values())
    changed = next(pin for pin in pins if "3.13.17" in pin.name and "windows" in pin.name)
    site.project.write(
        "matrix.lock",
        text.replace(f'{changed.name}"\nsha256 = "ab', f'{changed.name}"\nsha256 = "cd'),
    )
    site.raise_version()
    planned = site.plan()
    assert built(planned) == ["3.13.17/windows-amd64"]
    assert planned["reuse"] == "3"
    assert [row["platform"] for row in planned["runners"]["include"]] == [
        "linux-amd64",
        "windows-amd64",
    ]
    assert [row["platform"] for row in planned["trials"]["include"]] == ["windows-amd64"]


def test_a_cell_that_is_not_pinned_is_always_built(site: Site) -> None:
    pins = parse_lock((site.project.root / "matrix.lock").read_text("utf-8"))
    some = [pin for name, pin in pins.items() if "3.14.9" not in name]
    site.project.write("matrix.lock", dump_lock(some))
    # What is released was made of whatever its manifest says.
    assert site.plan()["release"] == "false"
    site.raise_version()
    assert built(site.plan()) == CELLS[:2]


def test_other_cells_under_the_same_version(site: Site) -> None:
    site.change_matrix("level = 3", "level = 4")
    outcome = site.try_plan(checkout=site.checkout())
    assert outcome.code == TagConflictError.exit_code
    assert outcome.out == ""
    assert "v0.1.0: cell 3.14.9/linux-amd64 would be built from other inputs now" in outcome.log
    assert "v0.1.0-py3.13.17: cell 3.13.17/windows-amd64" in outcome.log
    assert "raise VERSION" in outcome.log


def test_other_platforms_under_the_same_version(site: Site) -> None:
    site.change_matrix('["linux-amd64", "windows-amd64"]', '["linux-amd64", "linux-arm64"]')
    outcome = site.try_plan()
    assert outcome.code == TagConflictError.exit_code
    assert "v0.1.0: the tag lacks linux-arm64" in outcome.log
    assert "v0.1.0: the tag has windows-amd64, which the matrix does not have for it" in outcome.log


@pytest.mark.parametrize("knows_filters", ["true", "false"])
def test_other_code_under_the_same_version(site: Site, knows_filters: str) -> None:
    def change(tree: Path, message: str) -> tuple[dict[str, bytes], str]:
        (tree / "LICENSE").unlink()
        return {"go.mod": b"module elsewhere.example/x\n", "more.go": b"package more\n"}, message

    git(site.remote, "config", "uploadpack.allowFilter", knows_filters)
    site.forge("v0.1.0", change)
    outcome = site.try_plan(checkout=site.checkout())
    assert outcome.code == TagConflictError.exit_code
    assert "v0.1.0: go.mod differs" in outcome.log
    assert "v0.1.0: LICENSE is not in the tag" in outcome.log
    assert "v0.1.0: more.go is only in the tag" in outcome.log
    assert "py3.13.17" not in outcome.log.partition("error: ")[2]


def test_a_tag_that_is_no_release_at_all(site: Site) -> None:
    git(site.remote, "update-ref", "refs/tags/v0.1.0", "refs/heads/main")
    outcome = site.try_plan()
    assert outcome.code == TagConflictError.exit_code
    assert "v0.1.0: the tag lacks linux-amd64" in outcome.log


def test_a_version_that_goes_back(site: Site) -> None:
    site.raise_version("0.0.9")
    for more in ("false", "true"):
        outcome = site.try_plan("--rebuild", more, checkout=site.checkout(more))
        assert outcome.code == TagConflictError.exit_code
        assert "VERSION is 0.0.9, and 0.1.0 is released already" in outcome.log
        assert "Raise VERSION above 0.1.0." in outcome.log


def test_what_a_version_lacks_is_made(site: Site) -> None:
    git(site.remote, "update-ref", "-d", "refs/tags/v0.1.0-py3.13.17")
    planned = site.plan(checkout=site.checkout())
    assert planned["tags"] == "v0.1.0-py3.13.17"
    assert built(planned) == CELLS[2:]
    assert [planned["release"], planned["reuse"]] == ["true", "2"]


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0"])
def test_a_rebuild_builds_what_is_selected(site: Site, version: str) -> None:
    if version != "0.1.0":
        site.raise_version(version)
    planned = site.plan("--rebuild", "true", "--only-platforms", "windows-amd64", "--lines", "all")
    assert built(planned) == [CELLS[1], CELLS[3]]
    new = version != "0.1.0"
    assert [planned["release"], planned["reuse"]] == ([*("true", "2")] if new else ["false", "0"])
    assert built(site.plan("--rebuild", "true", "--lines", "all")) == CELLS


def test_a_rebuild_says_what_will_be_missing(tmp_path: Path) -> None:
    outcome = make_site(tmp_path).try_plan("--rebuild", "true", "--lines", "3.14")
    assert outcome.code == 0
    assert "warning: 3.13.17/linux-amd64 is neither built by this run nor held" in outcome.log


def test_the_workflow_is_told_by_files(site: Site, tmp_path: Path) -> None:
    site.raise_version()
    site.project.write("matrix.lock", "format = 1\n")
    files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    files["GITHUB_OUTPUT"].write_text("before=1\n", "utf-8")
    env = {name: str(path) for name, path in files.items()}
    outcome = site.project.run("plan", "--json", "--lines", "3.14", "--remote", "origin", env=env)
    rows = files["GITHUB_OUTPUT"].read_text("utf-8").splitlines()
    assert rows[0] == "before=1"
    planned = dict(row.split("=", 1) for row in rows[1:])
    printed = json.loads(outcome.out)
    assert planned.keys() == printed.keys()
    assert json.loads(planned["cells"]) == printed["cells"]
    assert json.loads(planned["runners"]) == printed["runners"]
    assert [planned["build"], planned["tags"]] == ["true", " ".join(NEXT_TAGS)]
    summary = files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
    assert "| 3.14.9/linux-amd64 | built |" in summary
    assert "| 3.13.17/linux-amd64 | missing: neither built nor held by a tag |" in summary


def test_reused_cells_are_in_the_summary(site: Site, tmp_path: Path) -> None:
    site.raise_version()
    path = tmp_path / "summary"
    env = {"GITHUB_STEP_SUMMARY": str(path)}
    site.project.run("plan", "--json", "--remote", "origin", env=env)
    assert "| 3.13.17/linux-amd64 | reused from v0.1.0-py3.13.17 |" in path.read_text("utf-8")


def test_a_folder_that_is_no_repository_knows_no_tag(tmp_path: Path) -> None:
    project = Project(tmp_path / "exported")
    make_project(tmp_path).root.rename(project.root)
    (project.root / ".git").rename(tmp_path / "away")
    outcome = project.run("plan", "--json")
    assert outcome.code == 0
    assert "is not a git repository: it has no tags" in outcome.log
    assert project.run("plan", "--json", "--repo", project.root).code == GitError.exit_code


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives files away: root"
)
def test_a_repository_that_git_does_not_trust_is_not_taken_for_none(site: Site) -> None:
    for path in (site.project.root, site.project.root / ".git"):
        os.chown(path, 12345, 12345)
    outcome = site.project.run("plan", "--json", env={"HOME": str(site.folder)})
    assert outcome.code == GitError.exit_code
    assert "dubious ownership" in outcome.log
