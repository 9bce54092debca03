"""The Go module in its place: it is a real module, and its own tests pass."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from pipeline.moduletree import TEMPLATE
from tests.support.gotool import Go

SYSTEMS = [
    ("linux", "amd64"),
    ("linux", "arm64"),
    ("darwin", "amd64"),
    ("darwin", "arm64"),
    ("windows", "amd64"),
]


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    return Go(tmp_path_factory.mktemp("go") / "modcache")


def test_its_own_tests_pass(go: Go) -> None:
    """With the race detector wherever there is the C compiler that it needs."""
    race = {"CGO_ENABLED": "1"} if shutil.which("gcc") else {}
    argv = ["test", *(["-race"] if race else []), "./..."]
    report = go.run(*argv, cwd=TEMPLATE, env=race)
    assert report.count("ok  \t") >= 2


@pytest.mark.parametrize(("goos", "goarch"), SYSTEMS)
def test_it_builds_and_vets_for_every_platform(go: Go, goos: str, goarch: str) -> None:
    env = {"GOOS": goos, "GOARCH": goarch}
    go.run("build", "./...", cwd=TEMPLATE, env=env)
    assert go.run("vet", "./...", cwd=TEMPLATE, env=env) == ""


def test_it_is_formatted(go: Go) -> None:
    gofmt = str(go.program.parent / "gofmt")
    done = subprocess.run([gofmt, "-l", "."], cwd=TEMPLATE, capture_output=True, check=True)
    assert done.stdout == b""


def test_go_mod_says_what_the_oldest_go_needs() -> None:
    text = (TEMPLATE / "go.mod").read_text("utf-8")
    assert "\ngo 1.24\n" in text
    assert "toolchain" not in text
