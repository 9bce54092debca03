"""What the workflow runner does as GitHub does it, where a wrong one would hide faults."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.harness.actions.runner import Actions, Event, JobResult
from tests.harness.project import git

HEAD = "on:\n  push:\njobs:\n"
CHECKOUT = """\
      - uses: actions/checkout@1
        with:
          persist-credentials: {keep}
"""


def run(folder: Path, jobs: str) -> tuple[dict[str, JobResult], Actions]:
    repository = folder / "repository"
    git(folder, "init", "--quiet", "--initial-branch=main", str(repository))
    path = repository / ".github" / "workflows" / "some.yml"
    path.parent.mkdir(parents=True)
    path.write_text(HEAD + jobs)
    for words in (["add", "--all"], ["commit", "--quiet", "--message=One"]):
        git(repository, "-c", "user.name=a", "-c", "user.email=a@b.c", *words)
    actions = Actions(repository, folder / "run", os.environ)
    return actions.run("some.yml", Event("push")), actions


def test_success_looks_at_all_jobs_upstream(tmp_path: Path) -> None:
    results, _actions = run(
        tmp_path,
        """\
  first:
    if: github.event_name == 'other'
    steps: []
  second:
    needs: [first]
    if: always()
    steps: []
  third:
    needs: [second]
    steps: []
""",
    )
    assert [each.result for each in results.values()] == ["skipped", "success", "skipped"]


def test_an_empty_matrix_is_an_error(tmp_path: Path) -> None:
    matrix = """\
  one:
    strategy:
      matrix: ${{ fromJSON('{"include":[]}') }}
    steps: []
"""
    with pytest.raises(AssertionError, match="empty"):
        run(tmp_path, matrix)


def test_a_single_artifact_has_no_folder_of_its_own(tmp_path: Path) -> None:
    upload = """\
      - run: echo {0} > {0}
      - uses: actions/upload-artifact@1
        with:
          name: part-{0}
          path: {0}
"""
    download = """\
      - uses: actions/download-artifact@1
        with:
          pattern: {0}
          path: {1}
"""
    jobs = (
        "  one:\n    steps:\n"
        + upload.format("a")
        + upload.format("b")
        + "  two:\n    needs: [one]\n    steps:\n"
        + download.format("part-a", "single")
        + download.format("part-*", "both")
        + "      - run: test -f single/a && test -f both/part-a/a && test -f both/part-b/b\n"
    )
    results, actions = run(tmp_path, jobs)
    assert results["two"].result == "success", actions.log()


def test_credentials_are_in_a_file_that_is_included_while_they_are_kept(tmp_path: Path) -> None:
    ask = "      - run: git config --get-regexp extraheader\n"
    jobs = "".join(
        f"  {name}:\n    steps:\n{CHECKOUT.format(keep=keep)}{ask}"
        for name, keep in (("kept", "true"), ("gone", "false"))
    )
    results, _actions = run(tmp_path, jobs)
    assert [each.result for each in results.values()] == ["success", "failure"]
    config = (tmp_path / "run" / "01-kept" / "work" / ".git" / "config").read_text("utf-8")
    assert "extraheader" not in config
