"""What to rebuild, by a release commit's message and the files that it was made from."""

from __future__ import annotations

import pytest

from pipeline.config.matrix import parse_matrix
from pipeline.config.tags import parse_version
from pipeline.system.errors import UsageError, VerifyError
from pipeline.system.git import GitFile
from pipeline.verify.rebuild_plan import (
    ReleaseCommit,
    code_differs,
    plan_rebuild,
    read_release_commit,
)
from tests.harness.project import Line, matrix_text

SOURCE = "5" * 40
COMMIT = f"""tree {"7" * 40}
parent {SOURCE}
author A Tester <tester@example.com> 1700000000 +0100
committer A Tester <tester@example.com> 1700000000 +0100

v0.1.0: CPython 3.14.9

Version: 0.1.0
Python: 3.14.9
PBS: 20261021
Platforms: linux-amd64 windows-amd64
Module: github.com/goempy/goempy
"""
MATRIX = parse_matrix(matrix_text(Line("3.14.9"), Line("3.13.17")))
VERSION = parse_version("0.1.0")
RECORDED = read_release_commit("v0.1.0", COMMIT)


def recorded(**changes: str) -> ReleaseCommit:
    """What the commit says where a line of its message has another value."""
    text = COMMIT.replace("v0.1.0: CPython", "Words")
    for key, value in changes.items():
        before, _key, after = text.partition(f"{key}: ")
        text = f"{before}{key}: {value}\n{after.partition(chr(10))[2]}"
    return read_release_commit("v0.1.0", text)


def test_a_release_commit_is_read() -> None:
    assert ReleaseCommit(
        "v0.1.0", "0.1.0", "3.14.9", "20261021", ("linux-amd64", "windows-amd64"),
        "github.com/goempy/goempy", SOURCE,
    ) == RECORDED  # fmt: skip


def test_what_is_no_release_is_reported_with_all_that_it_lacks() -> None:
    with pytest.raises(VerifyError, match="is not a release that goempy made") as caught:
        read_release_commit(
            "v0.1.0", COMMIT.replace("Python: ", "Snake: ").replace("parent", "child")
        )
    assert caught.value.details == ("its message has no line 'Python'", "it has 0 parents")


def test_a_commit_of_two_parents_is_no_release() -> None:
    with pytest.raises(VerifyError) as caught:
        read_release_commit("v0.1.0", COMMIT.replace("author", f"parent {SOURCE}\nauthor", 1))
    assert caught.value.details == ("it has 2 parents",)


def test_a_tag_that_names_another_tag_s_commit() -> None:
    with pytest.raises(VerifyError, match=r"v0\.2\.0 names the commit .* released as v0\.1\.0"):
        read_release_commit("v0.2.0", COMMIT)


def test_what_was_made_from_a_machine_s_interpreter_cannot_be_rebuilt() -> None:
    with pytest.raises(VerifyError, match="made from interpreters of a machine"):
        recorded(PBS="local")


@pytest.mark.parametrize(
    ("version", "module", "base"),
    [
        ("0.1.0", "a.b/c", "a.b/c"),
        ("1.9.0", "a.b/c/v1", "a.b/c/v1"),
        ("2.0.0", "a.b/c/v2", "a.b/c"),
        ("12.0.1", "a.b/c/v12", "a.b/c"),
    ],
)
def test_the_module_s_base_path(version: str, module: str, base: str) -> None:
    assert recorded(Version=version, Module=module).base_path == base


def test_the_cells_of_the_tag_and_no_others() -> None:
    rebuild = plan_rebuild(RECORDED, MATRIX, VERSION, "3.14")
    assert [cell.name for cell in rebuild.cells] == ["3.14.9/linux-amd64", "3.14.9/windows-amd64"]
    assert rebuild.platforms == ()
    assert rebuild.config.primary.name == "3.14.9"


def test_another_module_path_is_the_tag_s() -> None:
    rebuild = plan_rebuild(recorded(Module="example.com/fork"), MATRIX, VERSION, "3.14")
    assert rebuild.config.matrix.module == "example.com/fork"
    assert rebuild.custom_module
    assert not plan_rebuild(RECORDED, MATRIX, VERSION, "3.14").custom_module


def test_some_platforms() -> None:
    matrix = parse_matrix(matrix_text(Line("3.14.9"), pip=True))
    assert plan_rebuild(RECORDED, matrix, VERSION, "3.14").config.matrix.wheels
    rebuild = plan_rebuild(RECORDED, matrix, VERSION, "3.14", ["linux/amd64"])
    assert [cell.name for cell in rebuild.cells] == ["3.14.9/linux-amd64"]
    assert rebuild.platforms == ("linux-amd64",)
    assert rebuild.config.matrix.wheels == ()


def test_a_platform_that_the_tag_does_not_have() -> None:
    with pytest.raises(UsageError):
        plan_rebuild(RECORDED, MATRIX, VERSION, "3.14", ["darwin/arm64"])


def faults_of(
    said: ReleaseCommit, version: str = "0.1.0", primary: str = "3.14"
) -> tuple[str, ...]:
    with pytest.raises(VerifyError, match="does not make this tag") as caught:
        plan_rebuild(said, MATRIX, parse_version(version), primary)
    return caught.value.details


def test_a_source_commit_that_makes_something_else_is_reported_with_all_its_faults() -> None:
    assert faults_of(recorded(Platforms="linux-amd64 solaris-sparc"), version="0.2.0") == (
        "VERSION is 0.2.0 there, and 0.1.0 in the tag",
        "line 3.14.9 is released as v0.2.0 there",
        "line 3.14.9 has no platform solaris-sparc",
    )
    assert faults_of(RECORDED, primary="3.13") == (
        "line 3.14.9 is released as v0.1.0-py3.14.9 there",
    )
    assert faults_of(recorded(PBS="20270101")) == (
        "matrix.toml has no line 3.14.9 of PBS 20270101",
    )


def file(path: str, content: str = "a", mode: str = "100644") -> GitFile:
    return GitFile(path, content * 40, len(content), mode)


def test_code_is_compared_without_the_go_module() -> None:
    then = [file("pipeline/a.py"), file("pipeline/gomodule/x.py", "x"), file("tests/a.py", "t")]
    now = [file("pipeline/a.py", mode="100755")]
    assert code_differs(then, now) is False
    assert code_differs(then, [file("pipeline/a.py", "b")]) is True
    assert code_differs(then, [*now, file("pipeline/b.py")]) is True
    assert code_differs([file("matrix.toml")], now) is None
