"""A clone of the repository, and Go, with payload tags in it: what each fetches."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.builders.site import TAGS, Site, make_released
from tests.builders.trees import read_tree
from tests.harness.go import from_repository
from tests.harness.project import MODULE, REPOSITORY, git

NOISE_BYTES = 1_000_000
"""What a payload has that no other one shares; it does not compress."""


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two tags at the remote, each with two payloads."""
    return make_released(tmp_path_factory.mktemp("released"), noise_bytes=NOISE_BYTES)


def documented_clone() -> list[str]:
    """The arguments of git in CONTRIBUTING.md's line, without the address."""
    text = (REPOSITORY / ".github" / "CONTRIBUTING.md").read_text("utf-8")
    (line,) = re.findall(rf"^ +git (clone .*)https://{re.escape(MODULE)}$", text, re.MULTILINE)
    return shlex.split(line)


def clone(site: Site, folder: Path, *command: str) -> Path:
    git(folder, *command, "--quiet", site.remote.as_uri(), "clone")
    return folder / "clone"


def tags(repository: Path) -> list[str]:
    return git(repository, "tag").split()


def size_bytes(repository: Path) -> int:
    rows = git(repository, "count-objects", "-v").splitlines()
    counts = dict(row.split(": ") for row in rows)
    return 1024 * (int(counts["size"]) + int(counts["size-pack"]))


def test_a_plain_clone_fetches_every_payload(released: Site, tmp_path: Path) -> None:
    made = clone(released, tmp_path, "clone")
    assert tags(made) == TAGS
    assert size_bytes(made) > 4 * NOISE_BYTES


def test_the_documented_clone_has_the_source_and_no_payload(released: Site, tmp_path: Path) -> None:
    made = clone(released, tmp_path, *documented_clone())
    assert (made / "matrix.toml").is_file()
    git(made, "fetch", "--quiet")
    git(made, "pull", "--quiet")
    assert tags(made) == []
    assert size_bytes(made) < NOISE_BYTES


def test_the_documented_clone_sees_other_branches(released: Site, tmp_path: Path) -> None:
    released.project.git("push", "--quiet", "origin", "HEAD:refs/heads/topic")
    made = clone(released, tmp_path, *documented_clone())
    git(made, "switch", "--quiet", "topic")


def test_one_tag_can_be_fetched_into_it(released: Site, tmp_path: Path) -> None:
    made = clone(released, tmp_path, *documented_clone())
    git(made, "fetch", "--quiet", "origin", "tag", TAGS[1])
    assert tags(made) == [TAGS[1]]
    assert 2 * NOISE_BYTES < size_bytes(made) < 4 * NOISE_BYTES


@pytest.mark.parametrize(("query", "fetched"), [("v0.1.0", ["v0.1.0"]), ("main", TAGS)])
def test_go_fetches_one_tag_by_its_name_and_every_tag_for_a_branch(
    released: Site, tmp_path: Path, query: str, fetched: list[str]
) -> None:
    go = from_repository(tmp_path / "modcache", released.remote, MODULE)
    go.run("mod", "download", f"{MODULE}@{query}", cwd=tmp_path)
    (repository,) = (path.parent for path in (go.modcache / "cache" / "vcs").glob("*/HEAD"))
    assert tags(repository) == fetched


def test_a_vendored_tag_keeps_its_bytes_where_git_changes_line_ends(
    released: Site, tmp_path: Path
) -> None:
    """Git for Windows sets ``core.autocrlf``; ``go mod vendor`` drops a module's own attributes."""
    program = tmp_path / "program"
    program.mkdir()
    (program / "main.go").write_text(f'package main\n\nimport _ "{MODULE}/python"\n', "utf-8")
    go = from_repository(tmp_path / "modcache", released.remote, MODULE)
    go.run("mod", "init", "example.com/program", cwd=program)
    go.run("get", f"{MODULE}@v0.1.0", cwd=program)
    go.run("mod", "vendor", cwd=program)
    git(program, "init", "--quiet")
    git(program, "add", ".")
    git(program, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "-m", "vendor")
    git(tmp_path, "clone", "--quiet", "-c", "core.autocrlf=true", program.as_uri(), "checkout")
    checkout = tmp_path / "checkout"
    assert b"\r\n" in (checkout / "main.go").read_bytes()
    data = Path("vendor", MODULE, "python", "internal", "data")
    payloads = [path for path in (program / data).iterdir() if path.is_dir()]
    assert payloads
    for payload in payloads:
        assert read_tree(checkout / data / payload.name) == read_tree(payload)
