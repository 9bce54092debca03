"""Where a payload is already: what the messages of tags tell, and what a search fetches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.config import tags as tag_rules
from pipeline.config.cells import all_cells, asset_name
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import PIP_CELL, Pin
from pipeline.release.tag_index import (
    SEARCHED_TAGS,
    PayloadLocation,
    cell_rows,
    expected_digests,
    known_tags,
    parse_cell_rows,
)
from pipeline.system.errors import UsageError
from pipeline.system.git import Git
from tests.harness.project import Line, Project, git, matrix_text

ONE, TWO, THREE = (digit * 64 for digit in "123")


def test_rows_of_a_message_come_back() -> None:
    rows = cell_rows({"pip": ONE, "linux-amd64": TWO})
    assert rows == f"Cell: linux-amd64 {TWO}\nCell: pip {ONE}\n"
    assert parse_cell_rows(f"tree x\n\nv0.1.0: words\n\n{rows}") == {"pip": ONE, "linux-amd64": TWO}


@pytest.mark.parametrize(
    "text",
    [
        f"author Cell: pip {ONE}\n\nwords\n",
        f"tree x\n\nwords Cell: pip {ONE}\n",
        f"tree x\n\nCell: pip {ONE[:-1]}\n",
    ],
)
def test_other_texts_are_not_cell_rows(text: str) -> None:
    assert parse_cell_rows(text) == {}


def test_a_cell_that_is_not_pinned_has_no_digest() -> None:
    matrix = parse_matrix(matrix_text(Line(), pip=True))
    cells = all_cells(matrix)
    name = asset_name(cells[1], matrix.archive)
    digests = expected_digests(cells, matrix, {name: Pin("20261021", name, ONE, 5)})
    assert list(digests) == [cells[1].name, PIP_CELL]


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v0.1.0", "0.1.0"),
        ("v1.2.3-py3.14.9t", "1.2.3"),
        ("v1.2.3-rc1", None),
        ("v1.2.3+build", None),
        ("1.2.3", None),
        ("nightly", None),
    ],
)
def test_the_version_of_a_tag(tag: str, version: str | None) -> None:
    found = tag_rules.version_of(tag)
    assert (str(found) if found else None) == version


class Repository:
    """A bare repository whose tags say what the test wants them to say."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.bare = folder / "remote.git"
        git(folder, "init", "--quiet", "--bare", str(self.bare))
        git(self.bare, "config", "uploadpack.allowFilter", "true")
        self.repo = Git(project.root, {"PATH": os.environ["PATH"], "HOME": str(folder)})
        self.scratch = folder / "scratch"

    def tag(self, name: str, cells: dict[str, str], where: str = "remote") -> None:
        tree = self.project.git("write-tree").strip()
        message = f"{name}\n\n{cell_rows(cells)}"
        commit = self.project.git("commit-tree", tree, "-p", "HEAD", "-m", message).strip()
        if where == "remote":
            self.project.git("push", "--quiet", str(self.bare), f"{commit}:refs/tags/{name}")
        else:
            self.project.git("tag", name, commit)
        self.project.git("gc", "--quiet", "--prune=now")

    def find(self, wanted: dict[str, str], remote: str | None = None) -> dict[str, PayloadLocation]:
        address = str(self.bare) if remote is None else remote
        return known_tags(self.repo, address, self.scratch).find(wanted)


@pytest.fixture
def repository(project: Project, tmp_path: Path) -> Repository:
    return Repository(project, tmp_path)


def test_the_newest_tag_that_holds_a_cell(repository: Repository) -> None:
    repository.tag("v0.1.0", {"linux-amd64": ONE, "pip": TWO})
    repository.tag("v0.10.0", {"linux-amd64": ONE})
    repository.tag("v0.9.0", {"linux-amd64": ONE, "pip": THREE})
    wanted = {"3.14.9/linux-amd64": ONE, PIP_CELL: TWO, "3.14.9/other": "f" * 64}
    assert repository.find(wanted) == {
        "3.14.9/linux-amd64": PayloadLocation("v0.10.0", "linux-amd64"),
        PIP_CELL: PayloadLocation("v0.1.0", "pip"),
    }


def test_only_commits_are_fetched_and_none_that_are_not_needed(repository: Repository) -> None:
    repository.tag("v0.1.0", {"linux-amd64": TWO})
    repository.tag("v0.2.0", {"linux-amd64": ONE})
    repository.tag("v0.2.0-py3.13.17", {"linux-amd64": THREE})
    assert repository.find({"a": ONE, "b": THREE}).keys() == {"a", "b"}
    counts = git(repository.scratch / "commits", "count-objects", "-v")
    assert "in-pack: 2\n" in counts or "count: 2\n" in counts


def test_tags_of_the_repository_need_no_remote(repository: Repository) -> None:
    repository.tag("v0.1.0", {"linux-amd64": ONE}, where="here")
    assert repository.find({"a": ONE}, remote="") == {"a": PayloadLocation("v0.1.0", "linux-amd64")}
    assert not repository.scratch.exists()


def test_tags_of_other_kinds_are_not_looked_into(repository: Repository) -> None:
    for name in ("nightly", "v0.1.0-rc1"):
        repository.tag(name, {"linux-amd64": ONE})
    assert repository.find({"a": ONE}) == {}


def test_the_search_ends_somewhere(repository: Repository) -> None:
    message = f"words\n\n{cell_rows({'linux-amd64': ONE})}"
    tree = repository.project.git("write-tree").strip()
    commit = repository.project.git("commit-tree", tree, "-m", message).strip()
    empty = repository.project.git("commit-tree", tree, "-m", "words").strip()
    repository.project.git("tag", "v0.0.1", commit)
    for number in range(SEARCHED_TAGS):
        repository.project.git("tag", f"v1.0.{number}", empty)
    assert repository.find({"a": ONE}, remote="") == {}
    repository.project.git("tag", "--delete", "v1.0.3")
    assert repository.find({"a": ONE}, remote="") != {}


def test_names_that_are_not_tags_are_listed_with_the_nearest(repository: Repository) -> None:
    repository.tag("v0.1.0", {}, where="here")
    repository.tag("nightly", {}, where="here")
    index = known_tags(repository.repo)
    index.require(["v0.1.0"])
    with pytest.raises(UsageError) as caught:
        index.require(["v0.1.1", "v0.1.0", "nightly"])
    assert caught.value.details == (
        "no tag 'v0.1.1'; did you mean 'v0.1.0'?",
        "no tag 'nightly'; known: v0.1.0",
    )
    repository.project.git("tag", "--delete", "v0.1.0")
    assert known_tags(repository.repo).unknown(["v1"]) == ["no tag 'v1'; there are no tags"]


def test_tags_of_both_and_those_of_the_repository_win(repository: Repository) -> None:
    repository.tag("v0.1.0", {"pip": ONE})
    repository.tag("v0.2.0", {"pip": ONE})
    repository.tag("v0.2.0", {"pip": TWO}, where="here")
    repository.tag("v0.3.0", {}, where="here")
    index = known_tags(repository.repo, str(repository.bare), repository.scratch, both=True)
    assert list(index.commits) == ["v0.3.0", "v0.2.0", "v0.1.0"]
    texts = index.commit_texts(list(index.commits))
    assert [parse_cell_rows(text) for text in texts.values()] == [{}, {"pip": TWO}, {"pip": ONE}]
