"""Scratch repositories: they reach what the real one reaches, and leave it as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.system.errors import GitError
from pipeline.system.git import Git
from pipeline.system.scratch_repo import (
    COMMITS_ONLY,
    REMOTE,
    WITHOUT_BLOBS,
    connected,
    fetch_blobs,
    fetch_tags,
    init_scratch,
    mark_shallow,
    remote_address,
    remote_config,
    shallow_commits,
)
from tests.harness.project import Project, git


@pytest.fixture
def repo(project: Project) -> Git:
    env = {"PATH": os.environ["PATH"], "HOME": str(project.root), "GIT_CONFIG_NOSYSTEM": "1"}
    return Git(project.root, env)


@pytest.fixture
def remote(project: Project, tmp_path: Path) -> Path:
    """A bare repository with a tag of two files, which the project itself does not have."""
    bare = tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(project.root), str(other))
    (other / "noise").write_bytes(os.urandom(1 << 20))
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "--message=Release")
    git(other, "push", "--quiet", str(bare), "HEAD:refs/tags/v0.1.0")
    return bare


def test_local_settings_go_along_and_those_of_includes_too(
    project: Project, repo: Git, tmp_path: Path
) -> None:
    """A workflow's checkout keeps its token in a file that it includes for one git directory."""
    token = tmp_path / "credentials.config"
    token.write_text('[http "https://forge.example/"]\n\textraheader = AUTHORIZATION: basic x\n')
    git_dir = (project.root / ".git").as_posix()
    project.git("config", f"includeIf.gitdir:{git_dir}.path", str(token))
    project.git("config", "url.https://mirror.example/.insteadOf", "https://forge.example/")
    project.git("config", "remote.origin.url", "https://forge.example/you/py")
    project.git("config", "remote.origin.mirror", "true")
    project.git("config", "remote.other.url", "https://other.example/")
    project.git("config", "user.name", "Somebody")
    assert sorted(remote_config(repo, "origin")) == [
        ("http.https://forge.example/.extraheader", "AUTHORIZATION: basic x"),
        (f"remote.{REMOTE}.url", "https://forge.example/you/py"),
        ("url.https://mirror.example/.insteadof", "https://forge.example/"),
    ]
    scratch = init_scratch(tmp_path / "scratch", repo, "origin")
    assert scratch.call("ls-remote", "--get-url", REMOTE).strip() == "https://mirror.example/you/py"


def test_settings_of_the_environment_win(repo: Git, tmp_path: Path, project: Project) -> None:
    project.git("config", "http.proxy", "http://one.example")
    env = {
        **repo.env,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.proxy",
        "GIT_CONFIG_VALUE_0": "http://two.example",
    }
    scratch = init_scratch(tmp_path / "scratch", Git(repo.folder, env), "https://forge.example")
    assert scratch.call("config", "http.proxy").strip() == "http://two.example"


def test_a_path_is_taken_from_where_it_was_said(
    project: Project, repo: Git, remote: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert remote_address("remote.git", repo) == str(remote)
    project.git("remote", "add", "origin", "../remote.git")
    assert remote_address("origin", repo) == "origin"
    assert (f"remote.{REMOTE}.url", str(remote)) in list(remote_config(repo, "origin"))


@pytest.mark.parametrize("knows_filters", [True, False])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_commits_then_trees_then_blobs(
    project: Project,
    repo: Git,
    remote: Path,
    tmp_path: Path,
    knows_filters: bool,  # noqa: FBT001
    scheme: str,
) -> None:
    git(remote, "config", "uploadpack.allowFilter", str(knows_filters).lower())
    address = f"{scheme}{remote}"
    before = project.git("config", "--list", "--local"), project.git("for-each-ref")
    commit = repo.remote_tags(address)["v0.1.0"]
    commits = init_scratch(tmp_path / "commits", repo, address)
    fetch_tags(commits, ["v0.1.0"], without=COMMITS_ONLY)
    assert "Release" in commits.commit_texts([commit])[commit]
    assert repo.commit_texts([commit]) == {}
    trees = init_scratch(tmp_path / "trees", repo, address)
    fetch_tags(trees, ["v0.1.0"], without=WITHOUT_BLOBS)
    files = {each.path: each for each in trees.entries(commit, sizes=False)}
    fetch_blobs(trees, [files["VERSION"].id])
    assert trees.read_blob(files["VERSION"].id) == b"0.1.0\n"
    if knows_filters:
        assert packed_objects(commits) == 1
        assert packed_objects(trees) == 3
    assert (project.git("config", "--list", "--local"), project.git("for-each-ref")) == before
    assert shallow_commits(repo) == []


def test_a_blob_that_is_not_here_is_told(project: Project, repo: Git) -> None:
    blob = project.git("rev-parse", "HEAD:VERSION").strip()
    (project.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(GitError, match=rf"blob {blob} of VERSION is missing"):
        repo.entries("HEAD")
    assert "VERSION" in {each.path for each in repo.entries("HEAD", sizes=False)}


def packed_objects(repo: Git) -> int:
    rows = dict(row.split(": ") for row in repo.call("count-objects", "-v").splitlines())
    return int(rows["in-pack"]) + int(rows["count"])


def test_what_a_known_commit_holds_is_not_sent_again(
    repo: Git, remote: Path, tmp_path: Path
) -> None:
    """Were the noise sent, the remote would keep it a second time, as GitHub does."""
    git(remote, "config", "receive.unpackLimit", "1")
    repository = init_scratch(tmp_path / "repository", repo, str(remote))
    fetch_tags(repository, ["v0.1.0"])
    scratch = init_scratch(tmp_path / "scratch", repo, str(remote))
    scratch.borrow_objects(repo)
    scratch.borrow_objects(repository)
    known = repo.remote_tags(str(remote))["v0.1.0"]
    made = scratch.write_commit(scratch.tree_of(known), repo.commit("HEAD"), "Another")
    sizes: list[int] = []
    for commits in ([], [known]):
        git(remote, "gc", "--quiet", "--prune=now")
        mark_shallow(scratch, commits)
        scratch.push(REMOTE, {f"refs/tags/{len(sizes)}": made})
        sizes.append(int(git(remote, "count-objects", "-v").split("size-pack: ")[1].split()[0]))
        git(remote, "update-ref", "-d", f"refs/tags/{len(sizes) - 1}")
    assert sizes[0] > sizes[1] + 1000
    assert git(remote, "fsck", "--no-dangling") == ""


def test_git_elsewhere_connects_as_the_repository_does(
    project: Project, repo: Git, tmp_path: Path
) -> None:
    project.git("config", "http.https://forge.example/.extraheader", "AUTHORIZATION: basic x")
    outside = tmp_path / "outside"
    outside.mkdir()
    there = Git(outside, connected(repo, "origin"))
    asked = there.call("config", "--get-urlmatch", "http.extraheader", "https://forge.example/you")
    assert asked == "AUTHORIZATION: basic x\n"
