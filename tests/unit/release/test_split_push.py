"""Pushes that a host would find too large: in parts, and the tags all at once at the end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.release.split_push import STAGED, plan_push, push_split
from pipeline.system.errors import GitError
from pipeline.system.git import Git
from pipeline.system.scratch_repo import added_bytes, init_scratch, mark_shallow
from tests.harness.project import Project, git

NOISE_BYTES = 100_000
LIMIT_BYTES = 250_000
"""Two commits' noise, and not three."""
TAGS = [f"refs/tags/v0.1.{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("weights", "parts"),
    [
        ([], [""]),
        ([3], ["0"]),
        ([3, 3, 4], ["012"]),
        ([3, 3, 5], ["01", "2"]),
        ([12, 3, 3], ["0", "12"]),
        ([3, 12, 3], ["0", "1", "2"]),
    ],
)
def test_parts_are_in_order_and_below_the_limit(weights: list[int], parts: list[str]) -> None:
    def weigh(commits: Sequence[str], sent: Sequence[str]) -> int:
        assert not set(commits) & set(sent)
        return sum(weights[int(each)] for each in commits)

    commits = [str(number) for number in range(len(weights))]
    assert ["".join(part) for part in plan_push(commits, weigh, 10).parts] == parts


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """It takes no push above the limit, as GitHub does, and keeps packs."""
    bare = tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    git(bare, "config", "receive.maxInputSize", str(LIMIT_BYTES))
    git(bare, "config", "receive.unpackLimit", "1")
    return bare


@pytest.fixture(params=["full", "shallow"])
def scratch(request: pytest.FixtureRequest, project: Project, remote: Path, tmp_path: Path) -> Git:
    """Of a whole clone, or of one without history, as a workflow makes it."""
    project.git("commit", "--quiet", "--allow-empty", "--message=More")
    project.git("push", "--quiet", str(remote), "HEAD:refs/heads/main")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    repo = Git(project.root, env)
    made = init_scratch(tmp_path / "scratch", repo, str(remote))
    made.borrow_objects(repo)
    if request.param == "shallow":
        mark_shallow(made, [project.git("rev-parse", "main").strip()])
    return made


@pytest.fixture
def tags(project: Project) -> dict[str, str]:
    """Commits beside each other, of noise each, by the tag that they are to have."""
    made = {}
    for ref in TAGS:
        project.git("checkout", "--quiet", "--detach", "main")
        (project.root / "noise").write_bytes(os.urandom(NOISE_BYTES))
        project.git("add", "--all")
        project.git("commit", "--quiet", f"--message={ref}")
        made[ref] = project.git("rev-parse", "HEAD").strip()
    return made


def refs(remote: Path) -> dict[str, str]:
    rows = git(remote, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(row.split() for row in rows if not row.startswith("refs/heads"))


def packs(remote: Path) -> int:
    return len(list((remote / "objects" / "pack").glob("*.pack")))


def test_what_is_too_large_for_one_push_arrives_in_parts(
    scratch: Git, remote: Path, tags: dict[str, str]
) -> None:
    with pytest.raises(GitError, match="maximum allowed size"):
        push_split(scratch, tags, 10 * LIMIT_BYTES, print)
    assert refs(remote) == {}
    before = packs(remote)
    said: list[str] = []
    push_split(scratch, tags, LIMIT_BYTES, said.append)
    assert refs(remote) == tags
    assert packs(remote) - before == 3
    (row,) = said
    assert "5 tags" in row
    assert "in 3 parts" in row


def test_tags_appear_all_or_none_and_a_rerun_sends_no_part_again(
    scratch: Git, remote: Path, tags: dict[str, str]
) -> None:
    hook = remote / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\n[ "$1" != "{TAGS[2]}" ]\n')
    hook.chmod(0o755)
    with pytest.raises(GitError):
        push_split(scratch, tags, LIMIT_BYTES, print)
    assert set(refs(remote)) == {f"{STAGED}{tags[ref]}" for ref in TAGS[:4]}
    hook.unlink()
    before = packs(remote)
    push_split(scratch, tags, LIMIT_BYTES, print)
    assert refs(remote) == tags
    assert packs(remote) == before


def test_parts_of_a_run_that_never_ended_are_deleted(
    scratch: Git, remote: Path, tags: dict[str, str]
) -> None:
    (ref, commit), (left, other), *_rest = tags.items()
    git(scratch.folder, "push", "--quiet", str(remote), f"{other}:{STAGED}{other}")
    push_split(scratch, {ref: commit}, LIMIT_BYTES, print)
    assert refs(remote) == {ref: commit}
    assert left not in refs(remote)


def test_what_the_other_side_has_weighs_nothing(
    scratch: Git, project: Project, tags: dict[str, str]
) -> None:
    first, second, *_rest = tags.values()
    main = project.git("rev-parse", "main").strip()
    foreign = "1" * 40
    assert NOISE_BYTES < added_bytes(scratch, [first], [main, foreign]) < 1.1 * NOISE_BYTES
    assert added_bytes(scratch, [first, second], [main]) > 2 * NOISE_BYTES
    # A later commit of the same noise, as the next VERSION's of a reused payload.
    project.git("checkout", "--quiet", "--detach", "main")
    project.git("commit", "--quiet", "--allow-empty", "--message=More")
    project.git("checkout", "--quiet", first, "--", "noise")
    project.git("commit", "--quiet", "--message=Next")
    later = project.git("rev-parse", "HEAD").strip()
    assert added_bytes(scratch, [later], [main, first]) < 0.1 * NOISE_BYTES
