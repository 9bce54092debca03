"""The peers' trees: the matrices that pack them, and the names of archives."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pipeline.build.model import Kind, Member
from pipeline.build.trim import plan_trim
from pipeline.config.matrix import parse_matrix
from tests.bench.world import NEWEST, OLDER, UNSTRIPPED
from tests.builders.pbs_archive import unix_tree, windows_tree
from tests.builders.peer_trees import keeping_matrix, shipping_matrix
from tests.harness.project import REPOSITORY

TREES = (NEWEST, UNSTRIPPED, OLDER)


def test_the_matrix_that_ships_is_the_repositorys_own_but_for_its_lines() -> None:
    matrix = parse_matrix(shipping_matrix(TREES, fast=False))
    assert [str(line.python) for line in matrix.lines] == [tree.peer.python for tree in TREES]
    own = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8"))
    assert dataclasses.replace(matrix, lines=own.lines) == own


def test_the_short_form_packs_fast() -> None:
    assert parse_matrix(shipping_matrix(TREES, fast=True)).payload.level == 3
    assert parse_matrix(keeping_matrix(TREES, fast=True)).payload.level == 3


@pytest.mark.parametrize(("tree", "windows"), [(unix_tree(), False), (windows_tree(), True)])
def test_nothing_leaves_a_tree_that_is_kept(tree: dict[str, bytes | str], *, windows: bool) -> None:
    members = [
        Member(name, Kind.LINK, target=content)
        if isinstance(content, str)
        else Member(name, Kind.FILE, len(content), content=at)
        for at, (name, content) in enumerate(tree.items())
    ]
    trim = parse_matrix(keeping_matrix([NEWEST], fast=True)).trim
    plan = plan_trim(members, trim, windows=windows)
    assert not plan.dropped
    assert tree.keys() <= {each.name for each in plan.kept}
    assert not trim.strip


def test_a_tree_has_a_cell_for_each_platform() -> None:
    names = [cell.name for cell in NEWEST.cells.values()]
    assert names == [NEWEST.cell_name(platform) for platform in NEWEST.platforms]
    assert [cell.name for cell in UNSTRIPPED.cells.values()] == [UNSTRIPPED.cell_name()]


def test_archives_are_named_as_python_build_standalone_names_them() -> None:
    assert NEWEST.archive(Path("assets"), "darwin-arm64") == Path(
        "assets", "20260610", "cpython-3.14.6+20260610-aarch64-apple-darwin-pgo+lto-full.tar.zst"
    )
