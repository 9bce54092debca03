"""The printed lines, run as they are: Go gets the module, wherever its path says that it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.config import tags as tag_rules
from pipeline.config.model import Line, PythonVersion
from pipeline.release.how_to_use import how_to_use
from pipeline.release.tagging import Tagged, TagPlan
from tests.harness.go import GOFLAGS, Go
from tests.harness.project import git

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the lines are for a POSIX shell")
LINE = Line(PythonVersion.parse("3.14.9"), "20261021")


def release(folder: Path, path: str, names: list[str]) -> list[Tagged]:
    """A repository of a module whose example prints the name of its tag."""
    tree = folder / "tree"
    (tree / "example").mkdir(parents=True)
    git(folder, "init", "--quiet", str(tree))
    (tree / "go.mod").write_text(f"module {path}\n\ngo 1.24\n")
    (tree / "doc.go").write_text("package python\n")
    for name in names:
        program = f'package main\n\nfunc main() {{ println("this is {name}") }}\n'
        (tree / "example" / "main.go").write_text(program)
        git(tree, "add", "--all")
        git(tree, "commit", "--quiet", "--message=x")
        git(tree, "tag", name)
    git(folder, "clone", "--quiet", "--bare", str(tree), str(folder / "release.git"))
    return [Tagged(TagPlan(name, LINE, path, (), (), ""), "", "") for name in names]


@pytest.mark.parametrize(
    ("module", "version"),
    [
        ("github.com/acme/python", 0),
        ("git.acme.example/tools/sub/python.git", 0),
        ("git.acme.example/python.git", 2),
        # Go would ask these for the address of the repository.
        ("git.acme.example/tools/python", 0),
        ("acme.example", 2),
    ],
)
def test_the_lines_work_for_every_host(tmp_path: Path, module: str, version: int) -> None:
    folder = tmp_path / "a place"
    folder.mkdir()
    path = module if version < 2 else f"{module}/v{version}"
    names = [f"v{version}.1.0-py3.13.17", f"v{version}.1.0"]
    assert names == sorted(names, key=tag_rules.sort_key)
    tagged = release(folder, path, names)
    rows = [row.strip() for row in how_to_use(folder / "release.git", module, tagged)[2:]]
    # zsh, the shell of macOS, has no comments in what is typed or pasted.
    assert not any("#" in row for row in rows)
    # As they are, but for what lets Go use what other tests have compiled.
    script = "\n".join(["set -eu", *rows]).replace("GOFLAGS=-modcacherw", f"GOFLAGS='{GOFLAGS}'")
    env = Go(tmp_path / "unused").env() | {"HOME": str(tmp_path), "GOPROXY": "off"}
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # The older line was asked for last.
    assert f"this is {names[0]}" in done.stderr
