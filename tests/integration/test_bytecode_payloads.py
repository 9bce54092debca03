"""Payloads that ship bytecode: real interpreters of this machine, as ``--local`` packs them."""

from __future__ import annotations

import dataclasses
import functools
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PosixPath
from typing import IO, Any, ClassVar

import pytest

from pipeline.build.bytecode.compile import SourceFile
from pipeline.build.host_python import HostInterpreters, Machine, this_machine, unless_stopped
from pipeline.build.runner import BuildRequest, build_payloads
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import LOCAL, Cell, Pin, PythonVersion
from pipeline.config.model import Line as MatrixLine
from pipeline.formats.payload.reader import read_payload
from pipeline.sources import local_interpreter as local
from pipeline.sources.fetch import AssetFetcher
from pipeline.sources.source import FolderSource
from pipeline.system.console import StoppedError
from pipeline.system.errors import ToolError
from tests.builders.interpreters import host_platform, run_tool, small_interpreter
from tests.harness.console import captured_console
from tests.harness.extract import extract
from tests.harness.project import Line, matrix_text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="--local packs Linux interpreters")

VERBOSE_IMPORT = "import asyncio, json, logging, sqlite3, ssl, urllib.request"


class CountedPath(PosixPath):
    opened: ClassVar[list[str]] = []

    def open(self, mode: str = "r") -> IO[Any]:  # type: ignore[override]
        self.opened.append(self.name)
        return super().open(mode)


@dataclass(frozen=True)
class Built:
    """``opened`` is how often the archive was."""

    folder: Path
    tree: Path
    opened: int


Build = Callable[[str], Built]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Payloads of this machine's own cell, by what ``bytecode`` is set to."""
    folder, platform = tmp_path_factory.mktemp("local"), host_platform()
    assets = folder / "assets"
    interpreter = small_interpreter(folder)
    cell = Cell(local.line_of(interpreter, platform), platform)
    asset = local.make_asset(interpreter, cell, assets, run_tool)
    pins = {asset.name: Pin(LOCAL, asset.name, asset.sha256, asset.size_bytes)}
    console, _text = captured_console()

    def make(bytecode: str) -> Built:
        matrix = dataclasses.replace(
            parse_matrix(matrix_text(Line(), bytecode=bytecode)),
            lines=(cell.line,), archive=LOCAL, attest=False,
        )  # fmt: skip
        source = FolderSource(CountedPath(assets))
        fetcher = AssetFetcher(LOCAL, source, pins, folder / "cache", console, {})
        request = BuildRequest((cell,), matrix, folder / bytecode, wheels=False)
        CountedPath.opened.clear()
        (built,) = build_payloads(request, fetcher, console).cells
        assert bool(built.plan.modules) == (bytecode != "none")
        opened = CountedPath.opened.count(asset.name)
        (payload,) = (folder / bytecode).glob("*/*")
        return Built(payload, extract(payload, folder / f"tree-{bytecode}"), opened)

    return functools.cache(make)


@pytest.fixture(scope="module")
def common(build: Build) -> Built:
    return build("common")


def pycs(built: Built) -> set[str]:
    return {e.name for e in read_payload(built.folder).manifest.entries if e.name.endswith(".pyc")}


def run(built: Built, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [built.tree / "bin" / "python3", *args], capture_output=True, text=True, check=False,
        env={},
    )  # fmt: skip


def test_a_first_run_compiles_nothing_and_writes_nothing(common: Built) -> None:
    before = {path for path in common.tree.rglob("*") if path.is_file()}
    done = run(common, "-v", "-c", VERBOSE_IMPORT)
    assert done.returncode == 0, done.stderr
    assert f"matches {common.tree}" in done.stderr
    wrote = [row for row in done.stderr.splitlines() if row.startswith("# wrote")]
    assert wrote == []
    assert {path for path in common.tree.rglob("*") if path.is_file()} == before


def test_a_traceback_names_the_place_where_the_source_is(common: Built) -> None:
    done = run(common, "-c", "import json; json.loads('{')")
    (folder,) = (common.tree / "lib").glob("python3.*")
    assert f'File "{folder}/json/decoder.py"' in done.stderr
    assert "self.scan_once(s, idx)" in done.stderr


def test_all_is_more_than_common_and_both_are_the_same_bytes_again(build: Build) -> None:
    common, everything = build("common"), build("all")
    assert pycs(common) < pycs(everything)
    manifests = [read_payload(built.folder).manifest for built in (common, everything)]
    one, two = ({e.name: e.sha256 for e in m.entries} for m in manifests)
    assert all(two[name] == one[name] for name in one)


def test_a_machine_that_cannot_run_the_line_says_so(tmp_path: Path) -> None:
    matrix = parse_matrix(matrix_text(Line(), bytecode="common"))
    machine = Machine("plan9", "amd64", "")

    def never(_cell: object) -> None:
        raise AssertionError

    compilers = HostInterpreters(matrix, machine, tmp_path, never)  # type: ignore[arg-type]
    with pytest.raises(ToolError) as caught:
        compilers.of(matrix.lines[0])
    assert "this machine (plan9/amd64) cannot run Python 3.14.9" in str(caught.value)
    assert 'bytecode = "none"' in caught.value.hint
    old = MatrixLine(PythonVersion(3, 10, 22), "20261009")
    with pytest.raises(ToolError, match=r"from Python 3\.11 on"):
        HostInterpreters(matrix, Machine("windows", "arm64", ""), tmp_path, never).of(old)  # type: ignore[arg-type]


def test_the_archive_of_this_machine_s_own_cell_is_read_as_often_as_any_other(
    build: Build,
) -> None:
    # Its sha256, what is in it, and the contents.
    assert build("none").opened == build("common").opened == 3


def test_nothing_is_compiled_any_more_when_the_run_is_over() -> None:
    began: list[Sequence[SourceFile]] = []
    messages, _text = captured_console()

    def compiler(sources: Sequence[SourceFile]) -> tuple[()]:
        began.append(sources)
        return ()

    careful = unless_stopped(compiler, messages.check)
    assert careful(()) == ()
    messages.stop()
    with pytest.raises(StoppedError):
        careful(())
    assert began == [()]


def test_this_machine_is_told_in_go_s_words() -> None:
    machine = this_machine()
    assert machine.goos == "linux"
    assert machine.goarch in {"amd64", "arm64", "386", "arm", "ppc64le", "riscv64", "s390x"}
