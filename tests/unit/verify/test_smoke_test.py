"""Parts of a smoke test: what a start changes, the module's own tests, the installed wheel."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from pipeline.build.host_python import this_machine
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Platform
from pipeline.release.module_tree import PLATFORM_LIST, TEMPLATE, platform_list
from pipeline.system.errors import SmokeTestError
from pipeline.system.git import TreeFile
from pipeline.verify.go import Go
from pipeline.verify.sandbox import Sandbox
from pipeline.verify.smoke_test import (
    TESTED,
    changed,
    run_go_tests,
    snapshot,
    with_platforms,
    write_tree,
    write_wheel,
)
from tests.harness.go import GOFLAGS, find_go
from tests.harness.project import REPOSITORY

PLATFORMS = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8")).platforms


def test_a_snapshot_shows_new_changed_touched_and_missing_files(tmp_path: Path) -> None:
    for name in ("same", "grows", "touched", "goes"):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder").mkdir()
    before = snapshot(tmp_path)
    assert changed(before, snapshot(tmp_path)) == []
    (tmp_path / "grows").write_text("xy")
    os.utime(tmp_path / "touched", (1, 1))
    (tmp_path / "goes").unlink()
    (tmp_path / "folder" / "new").touch()
    # The folder's own time changes too, so a file that came and went is seen.
    assert changed(before, snapshot(tmp_path)) == [
        "folder",
        "folder/new",
        "goes",
        "grows",
        "touched",
    ]


def test_the_wheel_is_one_for_the_platform(tmp_path: Path) -> None:
    path = write_wheel(tmp_path, "macosx_11_0_arm64")
    assert path.name == "goempy_smoke_test-1.0-py3-none-macosx_11_0_arm64.whl"
    with zipfile.ZipFile(path) as wheel:
        text = wheel.read("goempy_smoke_test-1.0.dist-info/WHEEL").decode()
    assert "\nTag: py3-none-macosx_11_0_arm64\n" in text


def test_package_pip_knows_all_platforms_of_the_tag() -> None:
    files = (TreeFile("a.go", b"a"), TreeFile(PLATFORM_LIST, b"one"), TreeFile("z.go", b"z"))
    listed = TreeFile(PLATFORM_LIST, platform_list(PLATFORMS).encode())
    assert with_platforms(files, PLATFORMS) == (files[0], listed, files[2])


def test_a_tree_is_written_from_texts_and_files(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"\0stored\r\n")
    files = (
        TreeFile("a/b/text.go", b"package b\n"),
        TreeFile("a/blob.zst", source=str(tmp_path / "blob"), stored_bytes=9),
    )
    write_tree(files, tmp_path / "tree")
    assert (tmp_path / "tree/a/b/text.go").read_bytes() == b"package b\n"
    assert (tmp_path / "tree/a/blob.zst").read_bytes() == b"\0stored\r\n"


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """A module with a test of its own, which needs what the platform's build has."""
    machine = this_machine()
    # With a libc it has a build tag, whatever this machine is.
    platform = Platform("here", "triple", "build", machine.goos, machine.goarch, libc="musl")
    path = f"{find_go().parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "GOTOOLCHAIN": "local", "GOFLAGS": GOFLAGS}
    made = Sandbox(Go(env, platform), tmp_path, lambda _text: None)
    made.module.mkdir()
    shutil.copy(TEMPLATE / "go.mod", made.module / "go.mod")
    for pattern in TESTED:
        folder = made.module / pattern.removesuffix("/...")
        folder.mkdir()
        (folder / "doc.go").write_text("package p\n")
    (made.module / "python" / "it_test.go").write_text(
        "//go:build musl\n\npackage p\n\n"
        'import (\n\t"os"\n\t"testing"\n)\n\n'
        "func TestGood(t *testing.T) {}\n\n"
        "func TestFlag(t *testing.T) {\n"
        '\tif os.Getenv("GOEMPY_TEST_FAILS") != "" {\n\t\tt.Error("as asked")\n\t}\n}\n'
    )
    return made


def test_own_tests_run_with_the_build_tags_of_the_platform(sandbox: Sandbox) -> None:
    assert run_go_tests(sandbox) == "ok"


def test_own_tests_that_fail_are_named(sandbox: Sandbox) -> None:
    go = Go({**sandbox.go.env, "GOEMPY_TEST_FAILS": "1"}, sandbox.go.platform)
    log: list[str] = []
    packages = re.escape(" ".join(TESTED))
    with pytest.raises(SmokeTestError, match=rf"go test .* -tags=musl {packages}\): TestFlag\n"):
        run_go_tests(Sandbox(go, sandbox.folder, log.append))
    assert "as asked" in log[0]


def test_a_module_that_does_not_compile_fails_its_tests(sandbox: Sandbox) -> None:
    (sandbox.module / "pip" / "bad.go").write_text("package p\n\nvar x int = nonsense\n")
    with pytest.raises(SmokeTestError, match="undefined: nonsense"):
        run_go_tests(sandbox)
