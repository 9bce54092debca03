"""README's first line as it is: this machine's Python, the whole matrix file, pip from the index.

What it makes is then used for what a Go developer needs at build time: wheels of packages.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.go import Go
from tests.harness.project import REPOSITORY, git

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="--local packs Linux interpreters")


@dataclass(frozen=True)
class Local:
    """A release by the command line, and a clone of its tag."""

    out: str
    repository: Path
    tree: Path


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Local:
    folder = tmp_path_factory.mktemp("local")
    checkout = folder / "checkout"
    # A true clone: what is not committed is no part of a release.
    git(folder, "clone", "--quiet", f"file://{REPOSITORY}", str(checkout))
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "--root", str(checkout), "release", "--local",
         "--out", str(folder / "dist")],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    repository = folder / "dist" / "release.git"
    git(folder, "clone", "--quiet", "--branch", "v0.1.0", str(repository), str(folder / "tree"))
    return Local(done.stdout, repository, folder / "tree")


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    return Go(tmp_path_factory.mktemp("go") / "modcache")


def test_it_ends_with_tags_sizes_times_and_the_lines_to_type(local: Local) -> None:
    rows = local.out.splitlines()
    (tag,) = [row for row in rows if row.startswith("v0.1.0")]
    version = ".".join(map(str, sys.version_info[:3]))
    assert [version in tag, " MB " in tag, " s " in tag] == [True, True, True]
    assert any(row.startswith("pip ") for row in rows)
    assert "To use it from Go:" in rows


def test_the_tree_is_formatted(local: Local, go: Go) -> None:
    assert go.gofmt(local.tree) == ""


def test_package_pip_passes_its_tests_with_its_payload(local: Local, go: Go) -> None:
    report = go.run("test", "-vet=off", "-v", "./pip/...", cwd=local.tree)
    assert "--- PASS: TestPayload" in report


def test_the_example_embeds_jinja2_and_renders(local: Local, go: Go, tmp_path: Path) -> None:
    """``go generate`` for every platform of the release, then a program without any of it."""
    shutil.copytree(local.tree, tmp_path / "tree")
    example = tmp_path / "tree" / "example" / "jinja2"
    env = {"TMPDIR": str(tmp_path)}
    go.run("generate", ".", cwd=example, env=env)
    go.run("build", "-o", str(tmp_path / "program"), ".", cwd=example)
    shutil.rmtree(tmp_path / "tree")
    done = subprocess.run(
        [tmp_path / "program"], env={"PATH": "", "HOME": "", "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "hello" in done.stdout.lower()
