"""The Go module in its place: it is a real module, and its own tests pass."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.config.matrix import GOARCHES, parse_matrix
from pipeline.release.module_tree import TEMPLATE
from pipeline.verify.smoke_test import TESTED
from tests.harness.go import Go, race_env
from tests.harness.go_tests import packages_with_tests
from tests.harness.project import REPOSITORY
from tests.harness.vet import Vet

MATRIX = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8"))
SYSTEMS = sorted({(platform.goos, platform.goarch) for platform in MATRIX.platforms})
OLDEST = "go1.24.0"
"""What go.mod promises; the module proxy has it as a toolchain."""


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    return Go(tmp_path_factory.mktemp("go") / "modcache")


def test_its_own_tests_pass(go: Go) -> None:
    """With the race detector wherever there is the C compiler that it needs."""
    race = race_env(go)
    argv = ["test", "-vet=off", *(["-race"] if race else []), *TESTED]
    report = go.run(*argv, cwd=TEMPLATE, env=race)
    assert report.count("ok  \t") >= 2


@pytest.mark.parametrize(("goos", "goarch"), SYSTEMS)
def test_it_vets_for_every_platform(go: Go, vet: Vet, goos: str, goarch: str) -> None:
    """And so it is type-checked; programs for each system are built of a release's module."""
    assert vet.faults(go, "./...", cwd=TEMPLATE, system=(goos, goarch)) == ""


def test_no_tests_are_outside_of_the_packages_that_are_tested() -> None:
    folders = {package.split("/")[0] for package in packages_with_tests()}
    assert folders == {pattern.split("/")[1] for pattern in TESTED}


def test_the_architectures_that_matrix_toml_takes_are_those_of_go(go: Go) -> None:
    pairs = go.run("tool", "dist", "list", cwd=TEMPLATE).split()
    known = {f"{goos}/{goarch}" for goos, names in GOARCHES.items() for goarch in names}
    assert known == {pair for pair in pairs if pair.partition("/")[0] in GOARCHES}


def test_it_is_formatted(go: Go) -> None:
    assert go.gofmt(TEMPLATE) == ""


def test_the_oldest_go_that_it_names_has_what_it_uses(go: Go, vet: Vet) -> None:
    """Its packages are type-checked against that Go's standard library, in that Go's language."""
    env = {"GOTOOLCHAIN": OLDEST}
    assert go.run("version", cwd=TEMPLATE, env=env).startswith(f"go version {OLDEST} ")
    goos, goarch = go.run("env", "GOOS", "GOARCH", cwd=TEMPLATE).split()
    assert vet.faults(go, "./...", cwd=TEMPLATE, system=(goos, goarch), env=env) == ""


def test_go_mod_says_what_the_oldest_go_needs() -> None:
    text = (TEMPLATE / "go.mod").read_text("utf-8")
    assert "\ngo 1.24\n" in text
    assert "toolchain" not in text


@pytest.mark.whole  # what is committed, and some thousand changes of it, run with the other tests
@pytest.mark.parametrize(
    ("package", "target"),
    [
        ("payload", "Manifest"),
        ("payload", "Paths"),
        ("extract", "Marker"),
        ("extract", "Extract"),
        ("extract", "Stream"),
    ],
)
def test_it_holds_against_nonsense(go: Go, tmp_path: Path, package: str, target: str) -> None:
    """What the fuzzer finds by its own means: no panic, no write outside."""
    shutil.copytree(TEMPLATE, tmp_path / "module")  # a finding would be written beside the tests
    argv = ["test", "-run=^$", f"-fuzz=^Fuzz{target}$", "-fuzztime=3000x"]
    argv.append(f"./internal/{package}")
    report = go.run(*argv, cwd=tmp_path / "module", env={"TMPDIR": str(tmp_path)})
    assert "PASS" in report
