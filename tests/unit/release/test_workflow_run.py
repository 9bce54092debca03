"""What a release workflow may do, by its event and its GitHub."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.release.workflow_run import (
    WorkflowRun,
    notices,
    read_workflow_run,
    require_cloud,
)
from pipeline.system.errors import UsageError

PUSH = WorkflowRun("push", "github.com")


def read(folder: Path, event: str, **payload: Any) -> WorkflowRun:  # noqa: ANN401
    path = folder / "event.json"
    repository = {"full_name": "me/goempy", "private": False}
    path.write_text(json.dumps({"repository": repository, **payload}), "utf-8")
    return read_workflow_run(
        {
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_SERVER_URL": "https://github.com",
        }
    )


def test_what_github_says_of_a_run(tmp_path: Path) -> None:
    assert read(tmp_path, "push") == PUSH
    assert read_workflow_run({}) == WorkflowRun()


@pytest.mark.parametrize(
    ("head", "from_fork"), [("me/goempy", False), ("you/goempy", True), (None, True)]
)
def test_a_pull_request_from_a_fork(tmp_path: Path, head: str | None, *, from_fork: bool) -> None:
    pull = {"head": {"repo": head and {"full_name": head}}}
    run = read(tmp_path, "pull_request", pull_request=pull)
    assert run.from_fork == from_fork
    assert any("matrix.toml" in note for note in notices(run, attests=True, source="S")) == (
        from_fork
    )


def test_a_server_that_lacks_what_the_workflow_needs_ends_it_early() -> None:
    with pytest.raises(UsageError, match="acme") as caught:
        require_cloud(replace(PUSH, server="git.acme.example"))
    assert "docs/forking.md" in caught.value.hint
    require_cloud(replace(PUSH, server="acme.ghe.com"))
    require_cloud(WorkflowRun())


def test_attestations_are_left_out_where_no_one_keeps_them() -> None:
    private = replace(PUSH, private=True)
    assert PUSH.attests(forced=False)
    assert not private.attests(forced=False)
    assert private.attests(forced=True)
    assert replace(private, server="acme.ghe.com").attests(forced=False)
    assert list(notices(private, attests=False, source=""))
    assert not list(notices(PUSH, attests=True, source=""))
