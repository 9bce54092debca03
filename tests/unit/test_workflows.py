"""The workflow files: thin, pinned, and with no more rights than they need."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config.matrix import parse_matrix
from tests.harness.command_line import check_command_line
from tests.harness.project import REPOSITORY

FILES = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
SET_UP = "python3 -m pip install -q ."
EMPTY = "mkdir -p artifacts"
"""Where nothing was built, nothing is downloaded, and no folder is made."""
ALPINE = re.compile(r'docker run --rm .* "\$CONTAINER"\s+\.ci/alpine ', re.DOTALL)


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    return document


def lines(path: Path) -> Iterator[str]:
    for job in read(path)["jobs"].values():
        for step in job["steps"]:
            if "run" in step:
                yield step["run"].strip()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_allowed_but_what_a_job_asks_for(path: Path) -> None:
    document = read(path)
    assert document["permissions"] == {}
    for name, job in document["jobs"].items():
        assert "permissions" in job, name
        writes = [what for what, right in dict(job["permissions"]).items() if right == "write"]
        assert not writes or name in {"finalize", "propose", "audit"}, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_with_their_version(path: Path) -> None:
    uses = [row.strip().removeprefix("- ") for row in path.read_text("utf-8").splitlines()]
    uses = [row for row in uses if row.startswith("uses:")]
    assert uses
    assert [row for row in uses if not PINNED.fullmatch(row)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_expression_stands_inside_of_a_script(path: Path) -> None:
    assert [line for line in lines(path) if "${{" in line] == []


@pytest.mark.parametrize("name", ["release.yml", "update.yml"])
def test_every_line_is_a_goempy_command_that_can_be_typed(name: str) -> None:
    commands = [
        ALPINE.sub("", line)
        for line in lines(REPOSITORY / ".github" / "workflows" / name)
        if line not in {SET_UP, EMPTY}
    ]
    assert commands
    for line in commands:
        program, *arguments = shlex.split(line)
        assert program == "goempy"
        # What a job would put in place of its variables.
        values = {
            "$REBUILD": "false",
            "$DRY_RUN": "false",
            "$PYTHON": "all",
            "$PLATFORM": "linux-amd64",
        }
        check_command_line([values.get(each, each) for each in arguments])


def test_the_dispatch_offers_the_platforms_of_the_matrix() -> None:
    document = read(REPOSITORY / ".github" / "workflows" / "release.yml")
    options = document["on"]["workflow_dispatch"]["inputs"]["platform"]["options"]
    matrix = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8"))
    assert options[0] == "all"
    assert set(options[1:]) == {each.name for each in matrix.platforms if each.enabled}


def test_a_release_in_progress_is_not_cancelled_and_the_others_wait() -> None:
    concurrency = read(REPOSITORY / ".github" / "workflows" / "release.yml")["concurrency"]
    assert concurrency["cancel-in-progress"] == "false", "GitHub refuses it beside 'max'"
    assert concurrency["queue"] == "max"
    # Pull requests wait for one another alone.
    assert "github.event_name == 'pull_request' && github.ref" in concurrency["group"]


def test_only_the_workflow_s_own_token_is_used() -> None:
    for path in FILES:
        assert "secrets." not in path.read_text("utf-8")
