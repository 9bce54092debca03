"""What keeps a Go program on its Python line, and what does not: Go itself, and Renovate's preset.

Renovate's rules are those of its documentation of ``packageRules`` and of regex versioning.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.matrix import parse_matrix
from pipeline.config.tags import parse_version, tag_name
from tests.harness.go import Go, from_repository
from tests.harness.project import MODULE, REPOSITORY, git

FIRST = [
    "v0.1.0",
    "v0.1.0-py3.9.25",
    "v0.1.0-py3.12.15",
    "v0.1.0-py3.13.17",
    "v0.1.0-py3.14.9t",
    "v0.1.0-py3.15.1",
]
LATER = [
    "v0.2.0",
    "v0.2.0-py3.12.16",
    "v0.2.0-py3.13.18",
    "v0.2.0-py3.13.18t",
    "v0.2.0-py3.14.9t",
    "v0.9.0-py3.13.19",
    "v0.10.0",
    "v0.10.0-py3.13.20",
    "v0.10.0-py3.14.10t",
    "v0.10.0-py3.15.2",
]
PRIMARY = "v0.10.0"
"""What ``latest`` is."""
USED = "v0.1.0-py3.13.17"


def module_repository(folder: Path, tags: list[str]) -> Path:
    """A bare repository of the module with nothing in it but a package."""
    tree = folder / "module"
    tree.mkdir(parents=True)
    (tree / "go.mod").write_text(f"module {MODULE}\n\ngo 1.24\n", "utf-8")
    (tree / "module.go").write_text("package goempy\n", "utf-8")
    git(tree, "init", "--quiet", "--initial-branch=main")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message=Module")
    for tag in tags:
        git(tree, "tag", tag)
    git(folder, "clone", "--quiet", "--bare", str(tree), "module.git")
    return folder / "module.git"


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """Go with the module of both releases."""
    folder = tmp_path_factory.mktemp("later")
    return from_repository(folder / "modcache", module_repository(folder, FIRST + LATER), MODULE)


@pytest.fixture
def program(go: Go, tmp_path: Path) -> Path:
    """A Go program that uses the module at ``USED``."""
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "main.go").write_text(
        f'package main\n\nimport _ "{MODULE}"\n\nfunc main() {{}}\n', "utf-8"
    )
    go.run("mod", "init", "program", cwd=folder)
    go.run("get", f"{MODULE}@{USED}", cwd=folder)
    return folder


def used(go: Go, folder: Path) -> str:
    return go.run("list", "-m", "-f", "{{.Version}}", MODULE, cwd=folder).strip()


def version_of(go: Go, query: str, folder: Path) -> str:
    return go.run("list", "-m", "-f", "{{.Version}}", f"{MODULE}@{query}", cwd=folder).strip()


@pytest.mark.parametrize(
    ("arguments", "moved"),
    [
        (["-u", "./..."], PRIMARY),
        (["-u=patch", "./..."], "v0.1.0"),
        ([f"{MODULE}@upgrade"], PRIMARY),
        ([f"{MODULE}@patch"], "v0.1.0"),
        ([f"{MODULE}@latest"], PRIMARY),
    ],
)
def test_an_update_moves_to_the_primary_line(
    go: Go, program: Path, arguments: list[str], moved: str
) -> None:
    go.run("get", *arguments, cwd=program)
    assert used(go, program) == moved


def test_an_update_of_all_others_that_names_the_tag_stays(go: Go, program: Path) -> None:
    go.run("get", "-u", "./...", f"{MODULE}@{USED}", cwd=program)
    assert used(go, program) == USED


def test_a_library_that_needs_the_primary_line_moves_the_program(go: Go, program: Path) -> None:
    library = program.parent / "library"
    library.mkdir()
    text = f"module library\n\ngo 1.24\n\nrequire {MODULE} v0.1.0\n"
    (library / "go.mod").write_text(text, "utf-8")
    (library / "library.go").write_text(f'package library\n\nimport _ "{MODULE}"\n', "utf-8")
    (program / "more.go").write_text('package main\n\nimport _ "library"\n', "utf-8")
    go.run("mod", "edit", "-replace=library=../library", cwd=program)
    go.run("mod", "tidy", cwd=program)
    assert used(go, program) == "v0.1.0"


def test_a_range_finds_the_line_in_the_first_release_only(go: Go, tmp_path: Path) -> None:
    first = from_repository(tmp_path / "modcache", module_repository(tmp_path, FIRST), MODULE)
    assert version_of(first, "<v0.1.0-py3.14", tmp_path) == USED
    # Releases come before prereleases, whatever is nearer.
    assert version_of(go, "<v0.10.0-py3.14", tmp_path) == "v0.2.0"


@pytest.mark.skipif(sys.platform == "win32", reason="a command for Unix shells")
def test_the_documented_command_prints_the_newest_tag_of_the_line(go: Go, program: Path) -> None:
    text = (REPOSITORY / "docs" / "using.md").read_text("utf-8")
    (command,) = re.findall(r"^ +(go list -m -versions .*)$", text, re.MULTILINE)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=program, env=go.env(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "v0.10.0-py3.13.20\n"


def preset() -> list[dict[str, Any]]:
    text = (REPOSITORY / ".github" / "renovate-goempy.json").read_text("utf-8")
    rules: list[dict[str, Any]] = json.loads(text)["packageRules"]
    return rules


def python_regex(expression: str) -> re.Pattern[str]:
    """JavaScript names groups without the P."""
    return re.compile(expression.replace("(?<", "(?P<"))


def rules_of(current: str) -> list[dict[str, Any]]:
    """The rules that apply to a dependency at this tag."""
    return [rule for rule in preset() if re.search(rule["matchCurrentValue"].strip("/"), current)]


def update(current: str, tags: list[str]) -> str | None:
    """What Renovate proposes with the preset."""
    (rule,) = rules_of(current)
    expression = python_regex(rule["versioning"].removeprefix("regex:"))
    parsed = {tag: found.groupdict() for tag in tags if (found := expression.match(tag))}
    order = {
        tag: tuple(int(groups[name]) for name in ("major", "minor", "patch", "build"))
        for tag, groups in parsed.items()
        if groups["compatibility"] == parsed[current]["compatibility"]
    }
    best = max(order, key=lambda tag: order[tag])
    return best if best != current else None


@pytest.mark.parametrize(
    ("current", "proposed"),
    [
        (USED, "v0.10.0-py3.13.20"),
        ("v0.9.0-py3.13.19", "v0.10.0-py3.13.20"),
        ("v0.1.0-py3.12.15", "v0.2.0-py3.12.16"),
        ("v0.1.0-py3.9.25", None),
        ("v0.1.0-py3.14.9t", "v0.10.0-py3.14.10t"),
        ("v0.2.0-py3.13.18t", None),
    ],
)
def test_the_preset_proposes_the_newest_tag_of_the_line(current: str, proposed: str | None) -> None:
    assert update(current, FIRST + LATER) == proposed


def test_within_one_version_the_patch_of_python_decides() -> None:
    tags = ["v0.1.0-py3.13.9", "v0.1.0-py3.13.10", "v0.1.0-py3.13.10t"]
    assert update(tags[0], tags) == tags[1]


def test_the_preset_has_one_rule_for_each_tag_of_the_matrix_but_the_primary_line() -> None:
    matrix = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8"))
    primary = (REPOSITORY / "PRIMARY_PYTHON").read_text("utf-8").strip()
    for line in matrix.lines:
        is_primary = line.minor_name == primary
        tag = tag_name(parse_version("1.2.3"), line, primary=is_primary)
        assert len(rules_of(tag)) == (0 if is_primary else 1), tag


def test_the_preset_is_for_this_module_and_its_later_major_versions() -> None:
    names = {name for rule in preset() for name in rule["matchPackageNames"]}
    assert names == {f"{MODULE}{{/v*,}}"}
