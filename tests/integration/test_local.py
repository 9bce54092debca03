"""``--local``: interpreters of this machine become payloads that remember nothing of it."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Cell
from pipeline.release.local_release import local_config
from pipeline.release.third_party_licenses import FILE_NAME
from pipeline.sources import local_interpreter as local
from pipeline.system.errors import InterpreterError, UsageError
from pipeline.system.process import ProcessResult
from tests.builders.interpreters import host_platform, interpreters, run_tool
from tests.harness.extract import DESCRIBE_SCRIPT as PORTRAIT
from tests.harness.extract import InterpreterFacts, ask_extracted, extract, parse_facts
from tests.harness.project import REPOSITORY, Line, Project, git, make_project, matrix_text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="--local packs Linux interpreters")

MATRIX = parse_matrix(matrix_text(Line()))


def source_of(found: local.Interpreter) -> list[str]:
    """Where a copy must load nothing from. Of /usr that is what belongs to Python."""
    if found.prefix not in {"/usr", "/usr/local"}:
        return [f"{found.prefix}/"]
    return [found.stdlib, found.executable, f"{found.library_dir}/libpython"]


def asked(executable: str) -> InterpreterFacts:
    done = subprocess.run([executable, "-I", "-c", PORTRAIT], capture_output=True, check=True)
    return parse_facts(done.stdout)


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The extracted tree of an interpreter's ``release --local``, made once."""
    return functools.cache(lambda python: packed(tmp_path_factory.mktemp("local"), python))


def packed(folder: Path, python: str) -> Path:
    """The extracted tree of a ``release --local``; ``folder`` is empty."""
    project, out = make_project(folder), folder / "out"
    outcome = project.run("release", "--local", "--python", python, "--out", out)
    assert outcome.code == 0, outcome.log
    assert "an interpreter of the machine that built it" in outcome.log  # and so, without licences
    (folder,) = (out / "payloads").glob("*/*/")
    return extract(folder, out / "tree")


RELEASED = {
    line.python.minor_line
    for line in parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8")).lines
}


def param_of(found: local.Interpreter) -> object:
    """Older versions than lines are released of are packed in the whole run."""
    marks = [] if found.version.rpartition(".")[0] in RELEASED else [pytest.mark.whole]
    return pytest.param(found, id=f"{found.version}@{found.prefix}", marks=marks)


@pytest.mark.parametrize("found", [*map(param_of, interpreters())])
def test_a_copy_stands_alone(trees: Callable[[str], Path], found: local.Interpreter) -> None:
    root = trees(found.executable)
    before, after = asked(found.executable), ask_extracted(root)
    assert after.version == before.version
    assert after.modules == before.modules
    assert after.prefix == str(root)
    assert after.strangers(root, *source_of(found)) == []
    assert not list(root.rglob("site-packages")) + list(root.rglob("dist-packages"))


def test_its_tag_says_that_licences_are_missing(trees: Callable[[str], Path]) -> None:
    found = interpreters()[0]
    repository = trees(found.executable).parent / "release.git"
    notices = git(repository, "show", f"v0.1.0:{FILE_NAME}")
    assert "Without licence texts" in notices
    assert f"\ncpython {found.version}" in notices


def test_the_environment_brings_in_no_other_libpython(
    trees: Callable[[str], Path], tmp_path: Path
) -> None:
    """A folder of LD_LIBRARY_PATH has a file of the library's name that is not a library."""
    found = next((each for each in interpreters() if ".so" in each.library), None)
    if found is None:
        pytest.skip("no interpreter of this machine has a shared libpython")
    root = trees(found.executable)
    (tmp_path / found.library).write_bytes(b"")
    done = subprocess.run(
        [root / "bin" / "python3", "-I", "-c", "print('own')"],
        env={"LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"own\n", b"")


def test_a_prefix_that_was_installed_by_hand(trees: Callable[[str], Path], tmp_path: Path) -> None:
    """As python.org's sources install: bin, lib and nothing else, at any place."""
    prefix = trees(interpreters()[0].executable)
    again = packed(tmp_path, str(prefix / "bin" / "python3"))
    assert ask_extracted(again).strangers(again, f"{prefix}/") == []


def test_a_virtual_environment_is_packed_as_its_base(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    found = local.ask(str(tmp_path / "venv" / "bin" / "python"), run_tool)
    assert found == interpreters()[0]


def test_the_same_interpreter_gives_the_same_asset(tmp_path: Path) -> None:
    platform = local.platform_for(interpreters()[0], MATRIX.platforms)
    cell = Cell(local.line_of(interpreters()[0], platform), platform)
    digests = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        asset = local.make_asset(interpreters()[0], cell, tmp_path / name, run_tool)
        data = (tmp_path / name / asset.name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == asset.sha256
        assert [path.name for path in (tmp_path / name).iterdir()] == [asset.name]
        digests.append(asset.sha256)
    assert digests[0] == digests[1]


@pytest.mark.parametrize("name", ["no-such-python", "/bin/true", "/bin/false"])
def test_what_is_no_interpreter(project: Project, tmp_path: Path, name: str) -> None:
    outcome = project.run("release", "--local", "--python", name, "--out", tmp_path)
    assert outcome.code == InterpreterError.exit_code
    assert name in outcome.log
    assert "Name another with --python." in outcome.log


def test_a_python_that_is_too_old() -> None:
    def older(command: Sequence[str]) -> ProcessResult:
        done = run_tool(command)
        facts = json.loads(done.stdout) | {"version": "3.7.17"}
        return replace(done, stdout=json.dumps(facts).encode())

    with pytest.raises(InterpreterError, match="cannot be packed") as caught:
        local.ask(sys.executable, older)
    fault = "it is Python 3.7.17, and 3.8 is the oldest that can be packed"
    assert caught.value.details == (fault,)


def test_a_machine_that_the_matrix_does_not_know(project: Project, tmp_path: Path) -> None:
    text = matrix_text(Line(platforms=("windows-amd64",)))
    head, _first, rest = text.partition("[[platform]]")
    tables = rest.partition("# What leaves the tree")
    others = [each for each in tables[0].split("[[platform]]") if 'goos = "linux"' not in each]
    platforms = "".join(f"[[platform]]{each}" for each in others)
    project.write("matrix.toml", head + platforms + "".join(tables[1:]))
    outcome = project.run("release", "--local", "--out", tmp_path / "out")
    assert outcome.code == InterpreterError.exit_code
    assert "has no platform for this machine" in outcome.log


def test_one_version_twice_would_be_one_tag(project: Project, tmp_path: Path) -> None:
    (tmp_path / "python").symlink_to(sys.executable)
    twice = ["--python", sys.executable, "--python", str(tmp_path / "python")]
    outcome = project.run("release", "--local", *twice, "--out", str(tmp_path / "out"))
    assert outcome.code == UsageError.exit_code
    assert "both would be one tag" in outcome.log


def test_a_dry_run_makes_nothing(project: Project, tmp_path: Path) -> None:
    outcome = project.run("release", "--local", "--dry-run", "--out", tmp_path / "out")
    assert outcome.code == 0
    assert "v0.1.0" in outcome.out
    assert f"would build 1 cell from {sys.executable}" in outcome.log
    assert not (tmp_path / "out").exists()


def test_the_line_asked_for_is_latest(project: Project, tmp_path: Path) -> None:
    found = {each.version.rpartition(".")[0]: each for each in interpreters()}
    if len(found) < 2:
        pytest.skip("this machine has interpreters of one minor version only")
    (first, one), (second, other) = list(found.items())[:2]
    argv = ["release", "--local", "--dry-run", "--out", str(tmp_path / "out")]
    argv += ["--python", one.executable, "--python", other.executable]
    project.write("PRIMARY_PYTHON", second)
    outcome = project.run(*argv, "--primary", first)
    assert [row.split() for row in outcome.out.splitlines()[-2:]] == [
        [f"{one.version}/{host_platform().name}", "v0.1.0"],
        [f"{other.version}/{host_platform().name}", f"v0.1.0-py{other.version}"],
    ]


def test_which_line_is_latest(tmp_path: Path) -> None:
    """The one asked for, else that of PRIMARY_PYTHON, else the first."""
    first, second = "3.13.17", "3.14.9"
    matrix = parse_matrix(matrix_text(Line(first), Line(second)))
    (tmp_path / "VERSION").write_text("0.1.0\n")

    def primary(usual: str, asked: str = "") -> str:
        (tmp_path / "PRIMARY_PYTHON").write_text(f"{usual}\n")
        return local_config(matrix, tmp_path, asked).primary.name

    assert primary("2.7") == first
    assert primary("3.14") == second
    assert primary("3.14", "3.13") == first
    with pytest.raises(UsageError, match=r"--primary is '9\.9', and no line matches it"):
        primary("3.14", "9.9")
