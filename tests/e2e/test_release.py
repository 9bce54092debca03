"""From archives on a server to a Go program that runs Python, by way of a true ``go get``."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.build.inventory import scan
from pipeline.config.lock import dump_lock
from pipeline.config.model import Asset, Pin
from pipeline.formats.elf import scan as elf
from pipeline.formats.forward_reader import ForwardReader
from pipeline.verify.smoke_test import TESTED
from tests.builders.interpreters import PBS, RealArchive, host_platform, two_lines
from tests.fakes.http_server import serve
from tests.harness.extract import DESCRIBE_SCRIPT, InterpreterFacts, parse_facts, unpacked
from tests.harness.go import GOFLAGS, Go, from_repository
from tests.harness.project import Line, Outcome, Project, git, make_project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="packs Linux interpreters")

MODULE = "github.com/goempy/goempy"
PROGRAM = """package main

import (
	"fmt"
	"os"

	"MODULE/python"
)

func main() {
	ep, err := python.NewEmbeddedPython("e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cmd, err := ep.PythonCmd("-c", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
"""


@dataclass(frozen=True)
class Released:
    """A release of two lines; ``primary`` is the newer one."""

    project: Project
    repository: Path
    older: RealArchive
    primary: RealArchive
    outcome: Outcome
    address: str


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[RealArchive, RealArchive]:
    return two_lines(tmp_path_factory.mktemp("archives"))


def released(
    folder: Path, archives: tuple[RealArchive, RealArchive], *more: str, version: str = "0.1.0"
) -> Released:
    """Serve the archives on loopback and release them, into and from empty directories."""
    older, primary = archives
    folder.mkdir(exist_ok=True)
    project = make_project(
        folder,
        Line(older.version, PBS),
        Line(primary.version, PBS),
        primary=primary.version.rpartition(".")[0],
        version=version,
    )
    pins = [
        Pin(PBS, each.name, hashlib.sha256(each.data).hexdigest(), len(each.data))
        for each in archives
    ]
    project.write("matrix.lock", dump_lock(pins))
    with serve() as server:
        for each in archives:
            server.files[f"/{PBS}/{each.name}"] = each.data
        outcome = project.run(
            "release", "--source", server.address, "--out", folder / "dist",
            "--only-platforms", host_platform().go_pair, *more,
        )  # fmt: skip
    assert outcome.code == 0, outcome.log
    repository = folder / "dist" / "release.git"
    return Released(project, repository, older, primary, outcome, server.address)


@pytest.fixture(scope="module")
def release(
    tmp_path_factory: pytest.TempPathFactory, archives: tuple[RealArchive, RealArchive]
) -> Released:
    return released(tmp_path_factory.mktemp("release"), archives)


def program(folder: Path, go: Go, module: str, query: str) -> Path:
    """A fresh Go program that gets ``module@query``; returns the built binary."""
    folder.mkdir()
    (folder / "main.go").write_text(PROGRAM.replace("MODULE", module))
    go.run("mod", "init", "example.com/program", cwd=folder)
    go.run("get", f"{module}@{query}", cwd=folder)
    go.run("build", "-o", "program", ".", cwd=folder)
    return folder / "program"


def ask(binary: Path, temp: Path) -> InterpreterFacts:
    """Run the program with empty PATH and HOME, and all it may extract below ``temp``."""
    temp.mkdir()
    env = {"PATH": "", "HOME": "", "TMPDIR": str(temp)}
    command = [str(binary), DESCRIBE_SCRIPT]
    done = subprocess.run(command, env=env, cwd=temp, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return parse_facts(done.stdout)


@pytest.mark.parametrize("which", ["primary", "older"])
def test_go_get_go_build_and_python_runs(release: Released, tmp_path: Path, which: str) -> None:
    archive: RealArchive = getattr(release, which)
    query = "latest" if which == "primary" else f"v0.1.0-py{archive.version}"
    go = from_repository(tmp_path / "modcache", release.repository, MODULE)
    binary = program(tmp_path / "program", go, MODULE, query)
    # What the program needs is in it: neither the repository nor the caches are there any more.
    moved = binary.rename(tmp_path / "moved")
    seen = ask(moved, tmp_path / "temp")

    interpreter = archive.interpreter
    command = [interpreter.executable, "-I", "-c", DESCRIBE_SCRIPT]
    source = parse_facts(subprocess.run(command, capture_output=True, check=True).stdout)
    assert seen.version == source.version
    assert seen.line == archive.version
    assert seen.modules == source.modules
    own = interpreter.prefix not in {"/usr", "/usr/local"}
    sources = [f"{interpreter.prefix}/"] if own else [interpreter.stdlib, interpreter.executable]
    assert seen.strangers(tmp_path / "temp", *sources) == []


def test_the_terminal_says_what_was_made_and_how_to_use_it(release: Released) -> None:
    out = release.outcome.out
    assert f"{release.primary.version}/{host_platform().name}" in out
    assert f"v0.1.0-py{release.older.version}" in out
    assert f"go get {MODULE}@v0.1.0\n" in out
    assert f"go get {MODULE}@v0.1.0-py{release.older.version}" in out
    assert f"url.{release.repository.as_uri()}.insteadOf" in out


def test_the_printed_lines_work_as_they_are(release: Released, tmp_path: Path) -> None:
    lines = release.outcome.out.partition("To use it from Go:")[2].strip("\n")
    script = "set -eu\n" + "\n".join(line.strip() for line in lines.splitlines())
    # As they are, but for what lets Go use what other tests have compiled.
    assert script.count(" GOFLAGS=-modcacherw\n") == 1
    script = script.replace(" GOFLAGS=-modcacherw\n", f" GOFLAGS='{GOFLAGS}'\n")
    go = Go(tmp_path / "unused")
    env = go.env() | {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # The older line was asked for last.
    assert f"hello from Python {release.older.interpreter.version}" in done.stdout


def test_the_payload_holds_nothing_that_was_to_be_dropped(release: Released) -> None:
    for archive in (release.older, release.primary):
        cell = f"{archive.version}/{host_platform().name}"
        text = (release.repository.parent / "payloads" / cell / "files.json").read_text("utf-8")
        files = json.loads(text)
        names = [entry["name"] for entry in files["files"]]
        assert files["python"]["version"] == archive.version
        assert files["python"]["pbs"] == PBS
        assert not [name for name in names if name.endswith((".a", ".o", ".h", ".pyc"))]
        assert not [name for name in names if "/test/" in name or "_testcapi" in name]
        assert "PYTHON.json" not in names
        assert "licenses/LICENSE.cpython.txt" in names


def test_debug_sections_came_in_and_did_not_go_out(release: Released, tmp_path: Path) -> None:
    for archive in (release.older, release.primary):
        path = tmp_path / archive.name
        path.write_bytes(archive.data)
        asset = Asset(PBS, archive.name, "", len(archive.data))
        assert len(scan(path, asset).strips) > 20
        cell = f"{archive.version}/{host_platform().name}"
        contents = unpacked(release.repository.parent / "payloads" / cell)
        binaries = [data for data in contents.values() if data.startswith(elf.MAGIC)]
        assert binaries
        plans = [
            elf.scan(ForwardReader(io.BytesIO(data).read, len(data))).strip for data in binaries
        ]
        assert plans == [None] * len(plans)


def tags_of(repository: Path) -> str:
    return git(repository, "for-each-ref", "--format=%(refname) %(objectname)", "refs/tags")


def test_the_same_release_from_clean_caches_has_the_same_ids(
    release: Released, archives: tuple[RealArchive, RealArchive], tmp_path: Path
) -> None:
    again = released(tmp_path / "again", archives)
    assert tags_of(again.repository) == tags_of(release.repository)
    assert tags_of(again.repository).count("refs/tags/") == 2


def test_a_fork_of_major_version_2(
    archives: tuple[RealArchive, RealArchive], tmp_path: Path
) -> None:
    fork = "github.com/acme/snakes"
    made = released(tmp_path / "fork", archives, "--module", fork, version="2.0.0")
    go = from_repository(tmp_path / "modcache", made.repository, fork)
    binary = program(tmp_path / "program", go, f"{fork}/v2", "latest")
    assert ask(binary, tmp_path / "temp").line == made.primary.version


def test_a_platform_without_a_payload_compiles_and_says_what_to_do(
    release: Released, tmp_path: Path
) -> None:
    go = from_repository(tmp_path / "modcache", release.repository, MODULE)
    folder = tmp_path / "program"
    binary = program(folder, go, MODULE, "latest")
    # For other systems it is type-checked, with and without a payload, in test_pbs_layouts.py.
    go.run("build", "-tags", "musl", "-o", str(binary), ".", cwd=folder)
    done = subprocess.run([str(binary), ""], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert host_platform().name in done.stderr


def test_the_module_passes_its_own_tests_with_a_payload(release: Released, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git(tmp_path, "clone", "--quiet", "--branch", "v0.1.0", str(release.repository), str(tree))
    go = Go(tmp_path / "modcache")
    # Tags are vetted in test_pbs_layouts.py.
    report = go.run("test", "-vet=off", "-short", *TESTED, cwd=tree)
    assert f"ok  \t{MODULE}/python" in report
    assert go.gofmt(tree) == ""
