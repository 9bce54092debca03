"""Commits and tags: the same every time, all or none, and never moved."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.build.digest import cell_digest, origin_of
from pipeline.config.cells import all_cells, asset_name
from pipeline.config.lock import dump_lock
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Pin
from pipeline.formats.payload.model import Component
from pipeline.formats.payload.reader import read_payload
from pipeline.system.errors import GitError, PayloadError, TagConflictError
from tests.harness.project import REPOSITORY, Line, Outcome, Project, git, make_project, matrix_text
from tests.unit.build.test_pack import pack_files

LINES = (Line("3.14.9"), Line("3.13.17"))
CELLS = [f"{line.python}/{name}" for line in LINES for name in ("linux-amd64", "windows-amd64")]
TAGS = ["v0.1.0", "v0.1.0-py3.13.17"]


@dataclass(frozen=True)
class Site:
    """A project, payloads of two lines on two platforms, and a remote."""

    project: Project
    payloads: Path
    remote: Path

    def finalize(self, *more: str) -> Outcome:
        return self.project.run(
            "finalize", "--payloads", self.payloads, "--repo", self.project.root,
            "--only-platforms", "linux/amd64,windows/amd64", *more,
        )  # fmt: skip

    def commits(self, where: Path | None = None) -> dict[str, str]:
        rows = git(where or self.project.root, "for-each-ref", "--format=%(refname) %(objectname)")
        return dict(row.split() for row in rows.splitlines() if "refs/heads" not in row)


def make_payload(folder: Path, cell_name: str, matrix: str = "") -> None:
    """A payload that claims to be that of a cell."""
    parsed = parse_matrix(matrix or matrix_text(*LINES))
    (cell,) = [cell for cell in all_cells(parsed) if cell.name == cell_name]
    folder.parent.mkdir(parents=True, exist_ok=True)
    pack_files(
        folder,
        {"os.py": b"shared" * 99, "exe": cell_name.encode(), "COPYING": b"A licence.\n"},
        origin=origin_of(cell, "ab" * 32, parsed),
        cell_digest=cell_digest(cell, "ab" * 32, parsed),
        components=(Component("cpython", str(cell.line.python), ("Python-2.0",), ("COPYING",)),),
    )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    project = make_project(tmp_path, *LINES)
    payloads = tmp_path / "payloads"
    for name in CELLS:
        make_payload(payloads / name, name)
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    project.git("remote", "add", "origin", str(remote))
    return Site(project, payloads, remote)


def test_one_commit_and_one_tag_a_line(site: Site) -> None:
    outcome = site.finalize()
    assert outcome.code == 0
    assert list(site.commits()) == [f"refs/tags/{tag}" for tag in TAGS]
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
    assert len([name for name in data if "/common/" in name]) == 2
    assert len([name for name in data if "/linux-amd64/" in name]) == 2


def test_run_again_it_is_already_released(site: Site) -> None:
    site.finalize()
    before = site.commits()
    outcome = site.finalize()
    assert outcome.code == 0
    assert outcome.out.count("already released") == 2
    assert site.commits() == before


def test_a_later_source_commit_with_the_same_content_changes_nothing(site: Site) -> None:
    site.finalize()
    before = site.commits()
    site.project.write("README.md", "Words.\n")
    site.project.git("add", "--all")
    site.project.git("commit", "--quiet", "--message=Words")
    assert site.finalize().out.count("already released") == 2
    assert site.commits() == before


def test_a_tag_with_other_content_is_an_error_and_nothing_is_written(site: Site) -> None:
    site.project.git("tag", "v0.1.0-py3.13.17")
    before = site.commits()
    outcome = site.finalize("--push", "origin")
    assert outcome.code == TagConflictError.exit_code
    assert "v0.1.0-py3.13.17 is commit" in outcome.log
    assert "A tag never moves: raise VERSION." in outcome.log
    assert site.commits() == before
    assert site.commits(site.remote) == {}


def test_a_dry_run_prints_the_plan(site: Site) -> None:
    outcome = site.finalize("--dry-run", "--push", "origin")
    assert outcome.code == 0
    assert all(tag in outcome.out for tag in TAGS)
    assert "nothing was written" in outcome.log
    assert site.commits() == {}
    assert site.commits(site.remote) == {}
    real = site.finalize()
    assert real.out == outcome.out


def test_all_missing_payloads_are_named(site: Site) -> None:
    outcome = site.project.run(
        "finalize", "--payloads", site.payloads, "--repo", site.project.root, "--lines", "3.14"
    )
    assert outcome.code == PayloadError.exit_code
    for name in ("linux-arm64", "darwin-amd64", "darwin-arm64"):
        assert f"- 3.14.9/{name}" in outcome.log


def test_a_damaged_payload_is_not_tagged(site: Site) -> None:
    blob = max((site.payloads / CELLS[3]).iterdir(), key=lambda path: path.name != "files.json")
    blob.write_bytes(b"damage")
    outcome = site.finalize()
    assert outcome.code == PayloadError.exit_code
    assert f"error: {CELLS[3]}: " in outcome.log
    assert site.commits() == {}


def test_a_payload_of_another_asset_than_the_lock_pins_is_not_tagged(site: Site) -> None:
    """As when it was built before the lock was written, and from somewhere else."""
    matrix = parse_matrix(matrix_text(*LINES))
    (cell,) = [cell for cell in all_cells(matrix) if cell.name == CELLS[0]]
    name = asset_name(cell, matrix.archive)
    site.project.write("matrix.lock", dump_lock([Pin(cell.line.pbs, name, "cd" * 32)]))
    outcome = site.finalize()
    assert outcome.code == PayloadError.exit_code
    assert f"is made of another {name} than matrix.lock pins" in outcome.log
    assert site.commits() == {}
    site.project.write("matrix.lock", dump_lock([Pin(cell.line.pbs, name, "ab" * 32)]))
    assert site.finalize().code == 0


def test_no_repository(site: Site, tmp_path: Path) -> None:
    outcome = site.project.run("finalize", "--payloads", site.payloads, "--repo", tmp_path / "none")
    assert outcome.code == GitError.exit_code


def test_tags_are_pushed_all_or_none(site: Site) -> None:
    assert site.finalize("--push", "origin").code == 0
    assert site.commits(site.remote) == site.commits()
    assert list(site.commits()) == [f"refs/tags/{tag}" for tag in TAGS]


def refuse(remote: Path, tag: str) -> None:
    """The remote refuses one of the tags, as a ruleset or a lost race would."""
    hook = remote / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\n[ "$1" != "refs/tags/{tag}" ]\n')
    hook.chmod(0o755)


@pytest.mark.parametrize("tag", TAGS)
def test_a_refused_push_leaves_nothing_and_can_be_repeated(site: Site, tag: str) -> None:
    refuse(site.remote, tag)
    outcome = site.finalize("--push", "origin")
    assert outcome.code == GitError.exit_code
    assert "origin took none of the tags" in outcome.log
    assert "run it again" in outcome.log
    assert site.commits(site.remote) == {}
    assert not [name for name in site.commits() if name.startswith("refs/tags")]
    (site.remote / "hooks" / "update").unlink()
    assert site.finalize("--push", "origin").code == 0
    assert site.commits(site.remote) == site.commits()


def test_a_tag_that_only_the_remote_has_is_compared(site: Site) -> None:
    site.finalize("--push", "origin")
    for tag in TAGS:
        site.project.git("tag", "--delete", tag)
    assert site.finalize("--push", "origin").out.count("already released") == 2
    # Someone else's tag, which this repository has never seen:
    elsewhere = site.remote.parent / "elsewhere"
    git(site.remote.parent, "clone", "--quiet", str(site.remote), str(elsewhere))
    git(elsewhere, "commit", "--quiet", "--allow-empty", "--message=Other")
    git(elsewhere, "push", "--quiet", "--force", "origin", "HEAD:refs/tags/v0.1.0")
    site.project.git("gc", "--quiet", "--prune=now")
    outcome = site.finalize("--push", "origin")
    assert outcome.code == TagConflictError.exit_code
    assert "v0.1.0 is commit" in outcome.log


def test_tags_of_an_earlier_local_run_are_pushed(site: Site) -> None:
    site.finalize()
    outcome = site.finalize("--push", "origin")
    assert outcome.code == 0
    assert "already released" not in outcome.out
    assert site.commits(site.remote) == site.commits()
    assert site.finalize("--push", "origin").out.count("already released") == 2


def test_a_local_tag_with_other_content_is_a_conflict_though_the_remote_is_right(
    site: Site,
) -> None:
    site.finalize("--push", "origin")
    site.project.git("tag", "--force", "v0.1.0", "HEAD")
    outcome = site.finalize("--push", "origin")
    assert outcome.code == TagConflictError.exit_code
    assert "v0.1.0 is commit" in outcome.log


def test_a_remote_may_be_a_path_from_here(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site.remote.parent)
    assert site.finalize("--push", "remote.git").code == 0
    assert site.commits(site.remote) == site.commits()


def test_a_payload_of_another_cell_is_refused(site: Site) -> None:
    folders = [site.payloads / line.python for line in LINES]
    folders[0].rename(site.payloads / "aside")
    folders[1].rename(folders[0])
    (site.payloads / "aside").rename(folders[1])
    outcome = site.finalize()
    assert outcome.code == PayloadError.exit_code
    assert "is made of CPython 3.13.17 of PBS 20261021 for x86_64" in outcome.log
    assert site.commits() == {}


def test_a_payload_that_older_rules_made_is_refused(site: Site) -> None:
    older = matrix_text(*LINES).replace('"**/*.pdb"', '"**/*.pdb", "**/more"')
    make_payload(site.payloads / CELLS[0], CELLS[0], older)
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
    outcome = site.project.run(
        "finalize", "--payloads", site.payloads, "--repo", site.project.root,
        "--only-platforms", "linux/amd64,windows/amd64", "--push", "origin", env=env,
    )  # fmt: skip
    assert outcome.code == 0, outcome.log
    assert {row.split()[0]: row.split()[-2] for row in rows_of(outcome.out)} == expected
    assert list(site.commits(site.remote)) == [f"refs/tags/{tag}" for tag in TAGS]


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
    outcome = site.project.run(
        "finalize", "--payloads", site.payloads, "--repo", other,
        "--only-platforms", "linux/amd64,windows/amd64",
    )  # fmt: skip
    assert outcome.code == 0, outcome.log
    assert outcome.out == expected


def test_git_s_own_words_are_told(site: Site, tmp_path: Path) -> None:
    outcome = site.project.run("finalize", "--payloads", site.payloads, "--repo", tmp_path)
    assert outcome.code == GitError.exit_code
    assert "is not a usable git repository" in outcome.log
    assert "not a git repository" in outcome.log


SHIM = """#!/bin/sh
count=$(cat "$SHIM_COUNT" 2>/dev/null || echo 0)
echo $((count + 1)) > "$SHIM_COUNT"
[ "$count" = "$SHIM_DIE_AT" ] && kill -9 $PPID && exit 1
exec {git} "$@"
"""


def killed_at(site: Site, step: int, shims: Path) -> tuple[int, int]:
    """Run finalize in a process that is killed at its ``step``-th git command.

    Returns its exit code and how many git commands it came to.
    """
    count = shims / "count"
    count.unlink(missing_ok=True)
    env = os.environ | {"SHIM_COUNT": str(count), "SHIM_DIE_AT": str(step)}
    env["PATH"] = f"{shims}{os.pathsep}{env['PATH']}"
    command = [
        sys.executable, "-m", "pipeline", "--root", str(site.project.root), "finalize",
        "--payloads", str(site.payloads), "--repo", str(site.project.root), "--push", "origin",
        "--only-platforms", "linux/amd64,windows/amd64",
    ]  # fmt: skip
    done = subprocess.run(command, env=env, cwd=REPOSITORY, capture_output=True, check=False)
    return done.returncode, int(count.read_text())


def forget_tags(site: Site) -> None:
    for where in (site.project.root, site.remote):
        for name in site.commits(where):
            git(where, "update-ref", "-d", name)


@pytest.mark.skipif(sys.platform == "win32", reason="the shim is a shell script")
def test_killed_at_any_git_command_the_next_run_ends_with_the_same_ids(
    site: Site, tmp_path: Path
) -> None:
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "git").write_text(SHIM.format(git=shutil.which("git")))
    (shims / "git").chmod(0o755)
    code, commands = killed_at(site, -1, shims)
    undisturbed = site.commits()
    assert code == 0
    assert list(undisturbed) == [f"refs/tags/{tag}" for tag in TAGS]
    assert commands > 15
    for step in range(commands):
        forget_tags(site)
        code, _count = killed_at(site, step, shims)
        assert code == -signal.SIGKILL
        assert site.commits(site.remote) in ({}, undisturbed), f"half pushed at {step}"
        assert site.finalize("--push", "origin").code == 0
        assert site.commits(site.remote) == undisturbed
        assert site.commits() == undisturbed
