"""Commits and tags: the same every time, all or none, and never moved."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from pipeline.config.cells import all_cells, asset_name
from pipeline.config.lock import dump_lock
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Pin
from pipeline.formats.payload.reader import read_payload
from pipeline.system.errors import GitError, PayloadError, TagConflictError
from tests.builders.site import CELLS, LINES, SHA256, TAGS, Site, make_site
from tests.harness.crash import crash_runner, left_by_killed_run
from tests.harness.project import Line, git, matrix_text


def commits(site: Site, where: Path | None = None) -> dict[str, str]:
    """The refs that finalize may write."""
    rows = git(where or site.project.root, "for-each-ref", "--format=%(refname) %(objectname)")
    kept = [row for row in rows.splitlines() if not row.startswith(("refs/heads", "refs/remotes"))]
    return dict(row.split() for row in kept)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Payloads of two lines on two platforms."""
    site = make_site(tmp_path)
    site.make()
    return site


def test_one_commit_and_one_tag_a_line(site: Site) -> None:
    outcome = site.finalize()
    assert outcome.code == 0
    assert list(commits(site)) == [f"refs/tags/{tag}" for tag in TAGS]
    source = site.project.git("rev-parse", "HEAD").strip()
    for tag in TAGS:
        row = site.project.git("show", "-s", "--format=%P|%an|%ae|%cn|%ad|%cd", "--date=raw", tag)
        assert row.strip() == (
            f"{source}|A Tester|tester@example.com|A Tester|1700000000 +0100|1700000000 +0100"
        )


def test_the_message_names_python_pbs_and_version(site: Site) -> None:
    site.finalize()
    cells = [
        f"Cell: {name} {read_payload(site.payloads / '3.13.17' / name).manifest.cell_digest}"
        for name in ("linux-amd64", "windows-amd64")
    ]
    assert site.project.git("show", "-s", "--format=%B", "v0.1.0-py3.13.17").strip() == (
        "v0.1.0-py3.13.17: CPython 3.13.17\n\n"
        "Version: 0.1.0\n"
        "Python: 3.13.17\n"
        "PBS: 20261021\n"
        "Platforms: linux-amd64 windows-amd64\n"
        "Module: github.com/goempy/goempy\n" + "\n".join(cells)
    )


def test_the_tree_is_the_module(site: Site) -> None:
    site.finalize()
    names = site.project.git("ls-tree", "-r", "--name-only", "v0.1.0").splitlines()
    assert {"go.mod", "LICENSE", "python/embedded_python.go", ".gitattributes"} <= set(names)
    assert not any(name.startswith((".github", "pipeline", "matrix")) for name in names)
    data = [name for name in names if name.startswith("python/internal/data/")]
    assert len([name for name in data if "/common/" in name]) == 4
    assert len([name for name in data if "/linux-amd64/" in name]) == 3


def test_run_again_it_is_already_released(site: Site) -> None:
    site.finalize()
    before = commits(site)
    outcome = site.finalize()
    assert outcome.code == 0
    assert outcome.out.count("already released") == 2
    assert commits(site) == before


def test_a_later_source_commit_with_the_same_content_changes_nothing(site: Site) -> None:
    site.finalize()
    before = commits(site)
    site.project.write("README.md", "Words.\n")
    site.project.git("add", "--all")
    site.project.git("commit", "--quiet", "--message=Words")
    assert site.finalize().out.count("already released") == 2
    assert commits(site) == before


def test_a_tag_with_other_content_is_an_error_and_nothing_is_written(site: Site) -> None:
    site.project.git("tag", "v0.1.0-py3.13.17")
    before = commits(site)
    outcome = site.push()
    assert outcome.code == TagConflictError.exit_code
    assert "v0.1.0-py3.13.17 is commit" in outcome.log
    assert "A tag never moves: raise VERSION." in outcome.log
    assert commits(site) == before
    assert commits(site, site.remote) == {}


def test_a_dry_run_prints_the_plan(site: Site) -> None:
    outcome = site.finalize("--dry-run", "--push", "origin")
    assert outcome.code == 0
    assert all(tag in outcome.out for tag in TAGS)
    assert "nothing was written" in outcome.log
    assert commits(site) == {}
    assert commits(site, site.remote) == {}
    real = site.finalize()
    assert real.out == outcome.out


def test_all_missing_payloads_are_named(site: Site) -> None:
    site.project.write("matrix.toml", matrix_text(Line("3.14.9"), Line("3.13.17")))
    outcome = site.finalize("--lines", "3.14")
    assert outcome.code == PayloadError.exit_code
    for name in ("linux-arm64", "darwin-amd64", "darwin-arm64"):
        assert f"- 3.14.9/{name}" in outcome.log
    assert site.finalize("--only-platforms", "linux/amd64,windows/amd64").code == 0


def test_a_damaged_payload_is_not_tagged(site: Site) -> None:
    blob = max((site.payloads / CELLS[3]).iterdir(), key=lambda path: path.name != "files.json")
    blob.write_bytes(b"damage")
    outcome = site.finalize()
    assert outcome.code == PayloadError.exit_code
    assert f"error: {CELLS[3]}: " in outcome.log
    assert commits(site) == {}


def test_a_payload_of_another_asset_than_the_lock_pins_is_not_tagged(site: Site) -> None:
    """As when it was built before the lock was written, and from somewhere else."""
    matrix = parse_matrix(matrix_text(*LINES))
    (cell,) = [cell for cell in all_cells(matrix) if cell.name == CELLS[0]]
    name = asset_name(cell, matrix.archive)
    site.project.write("matrix.lock", dump_lock([Pin(cell.line.pbs, name, "cd" * 32)]))
    outcome = site.finalize()
    assert outcome.code == PayloadError.exit_code
    assert f"was built from another {name} than matrix.lock pins" in outcome.log
    assert commits(site) == {}
    site.project.write("matrix.lock", dump_lock([Pin(cell.line.pbs, name, SHA256)]))
    assert site.finalize().code == 0


def test_no_repository(site: Site, tmp_path: Path) -> None:
    outcome = site.project.run("finalize", "--payloads", site.payloads, "--repo", tmp_path / "none")
    assert outcome.code == GitError.exit_code


def test_tags_are_pushed_all_or_none(site: Site) -> None:
    assert site.push().code == 0
    assert commits(site, site.remote) == commits(site)
    assert list(commits(site)) == [f"refs/tags/{tag}" for tag in TAGS]


def refuse(remote: Path, tag: str) -> None:
    """The remote refuses one of the tags, as a ruleset or a lost race would."""
    hook = remote / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\n[ "$1" != "refs/tags/{tag}" ]\n')
    hook.chmod(0o755)


@pytest.mark.parametrize("tag", TAGS)
def test_a_refused_push_leaves_nothing_and_can_be_repeated(site: Site, tag: str) -> None:
    refuse(site.remote, tag)
    outcome = site.push()
    assert outcome.code == GitError.exit_code
    assert "origin accepted none of the tags" in outcome.log
    assert "rerun: it compares with them" in outcome.log
    assert commits(site, site.remote) == {}
    assert not [name for name in commits(site) if name.startswith("refs/tags")]
    (site.remote / "hooks" / "update").unlink()
    assert site.push().code == 0
    assert commits(site, site.remote) == commits(site)


def test_a_tag_that_only_the_remote_has_is_compared(site: Site) -> None:
    site.push()
    for tag in TAGS:
        site.project.git("tag", "--delete", tag)
    assert site.push().out.count("already released") == 2
    # Someone else's tag, which this repository has never seen:
    elsewhere = site.remote.parent / "elsewhere"
    git(site.remote.parent, "clone", "--quiet", str(site.remote), str(elsewhere))
    git(elsewhere, "commit", "--quiet", "--allow-empty", "--message=Other")
    git(elsewhere, "push", "--quiet", "--force", "origin", "HEAD:refs/tags/v0.1.0")
    site.project.git("gc", "--quiet", "--prune=now")
    outcome = site.push()
    assert outcome.code == TagConflictError.exit_code
    assert "v0.1.0 is commit" in outcome.log


def test_tags_of_an_earlier_local_run_are_pushed(site: Site) -> None:
    site.finalize()
    outcome = site.push()
    assert outcome.code == 0
    assert "already released" not in outcome.out
    assert commits(site, site.remote) == commits(site)
    assert site.push().out.count("already released") == 2


def test_a_local_tag_with_other_content_is_a_conflict_though_the_remote_is_right(
    site: Site,
) -> None:
    site.push()
    site.project.git("tag", "--force", "v0.1.0", "HEAD")
    outcome = site.push()
    assert outcome.code == TagConflictError.exit_code
    assert "v0.1.0 is commit" in outcome.log


def test_a_remote_may_be_a_path_from_here(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site.remote.parent)
    assert site.finalize("--push", "remote.git").code == 0
    assert commits(site, site.remote) == commits(site)


def test_a_payload_of_another_cell_is_refused(site: Site) -> None:
    folders = [site.payloads / line.python for line in LINES]
    folders[0].rename(site.payloads / "aside")
    folders[1].rename(folders[0])
    (site.payloads / "aside").rename(folders[1])
    outcome = site.finalize()
    assert outcome.code == PayloadError.exit_code
    assert "was built from CPython 3.13.17 of PBS 20261021 for x86_64" in outcome.log
    assert commits(site) == {}


def test_a_payload_that_older_rules_made_is_refused(site: Site) -> None:
    matrix = (site.project.root / "matrix.toml").read_text("utf-8")
    site.project.write("matrix.toml", matrix.replace('"**/*.pdb"', '"**/*.pdb", "**/more"'))
    site.make(CELLS[:1])
    site.project.write("matrix.toml", matrix)
    outcome = site.finalize()
    assert outcome.code == PayloadError.exit_code
    assert "by other rules than matrix.toml has now" in outcome.log


def test_nobody_s_settings_change_the_ids(site: Site, tmp_path: Path) -> None:
    expected = {row.split()[0]: row.split()[-2] for row in rows_of(site.finalize("--dry-run").out)}
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text(
        "[i18n]\n commitEncoding = ISO-8859-1\n[push]\n followTags = true\n gpgSign = true\n"
        "[safe]\n bareRepository = explicit\n[init]\n defaultObjectFormat = sha256\n"
        "[core]\n autocrlf = true\n[commit]\n gpgSign = true\n[tag]\n gpgSign = true\n"
    )
    site.project.git("tag", "--annotate", "--message=note", "private-note")
    env = {"HOME": str(tmp_path / "home"), "GIT_DEFAULT_HASH": "sha256"}
    outcome = site.finalize("--push", "origin", env=env)
    assert outcome.code == 0, outcome.log
    assert {row.split()[0]: row.split()[-2] for row in rows_of(outcome.out)} == expected
    assert list(commits(site, site.remote)) == [f"refs/tags/{tag}" for tag in TAGS]


def rows_of(table: str) -> list[str]:
    return [row for row in table.splitlines() if row.startswith("v0.1.0")]


@pytest.mark.parametrize("kind", ["shallow", "shallow and detached", "worktree"])
def test_checkouts_as_ci_makes_them(site: Site, tmp_path: Path, kind: str) -> None:
    site.project.write("more.txt", "more")
    site.project.git("add", "--all")
    site.project.git("commit", "--quiet", "--message=More")
    expected = site.finalize("--dry-run").out
    other = tmp_path / "other"
    if kind == "worktree":
        site.project.git("worktree", "add", "--quiet", "--detach", str(other))
    else:
        git(tmp_path, "init", "--quiet", str(other))
        git(other, "remote", "add", "origin", f"file://{site.project.root}")
        head = site.project.git("rev-parse", "HEAD").strip()
        git(other, "fetch", "--quiet", "--depth=1", "origin", head)
        git(other, "checkout", "--quiet", *(["--detach"] if "detached" in kind else ["-b", "x"]),
            "FETCH_HEAD")  # fmt: skip
    outcome = site.project.run("finalize", "--payloads", site.payloads, "--repo", other)
    assert outcome.code == 0, outcome.log
    assert outcome.out == expected


def test_git_s_own_words_are_told(site: Site, tmp_path: Path) -> None:
    outcome = site.project.run("finalize", "--payloads", site.payloads, "--repo", tmp_path)
    assert outcome.code == GitError.exit_code
    assert "is not a usable git repository" in outcome.log
    assert "not a git repository" in outcome.log


def forget_tags(site: Site) -> None:
    for where in (site.project.root, site.remote):
        for name in commits(site, where):
            git(where, "update-ref", "-d", name)


@pytest.mark.skipif(sys.platform == "win32", reason="the shim is a shell script")
def test_killed_at_any_git_command_the_next_run_ends_with_the_same_ids(
    site: Site, tmp_path: Path, goempy_server: str
) -> None:
    root = str(site.project.root)
    command = ["--root", root, "finalize", "--repo", root, "--push", "origin"]
    command += ["--payloads", str(site.payloads)]
    crashing = crash_runner(tmp_path / "shims", goempy_server)
    code, commands = crashing.run(-1, command)
    undisturbed = commits(site)
    assert code == 0
    assert list(undisturbed) == [f"refs/tags/{tag}" for tag in TAGS]
    assert commands > 15
    known: list[object] = []
    for step in range(commands):
        forget_tags(site)
        code, _count = crashing.run(step, command)
        assert code == -signal.SIGKILL
        assert commits(site, site.remote) in ({}, undisturbed), f"half pushed at {step}"
        left = left_by_killed_run(site.project.root, site.remote, site.payloads)
        if left in known:
            continue
        known.append(left)
        assert site.push().code == 0
        assert commits(site, site.remote) == undisturbed
        assert commits(site) == undisturbed
