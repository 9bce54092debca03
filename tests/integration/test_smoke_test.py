"""``goempy try``: modules of a real interpreter, used before they are tagged."""

from __future__ import annotations

import io
import os
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import zstandard

from pipeline.config.matrix import parse_matrix
from pipeline.config.model import FREE_THREADED, PythonVersion
from pipeline.config.model import Line as ModelLine
from pipeline.system.errors import PayloadError, SmokeTestError, ToolError, UsageError
from pipeline.verify.go import target_platform
from pipeline.verify.smoke_test import line_to_test
from tests.builders.interpreters import PBS, RealArchive, host_platform, interpreters, real_archive
from tests.builders.site import Site, make_site
from tests.harness.go import GOFLAGS, Go, race_env, racing_go
from tests.harness.project import REPOSITORY, Line, Outcome, matrix_text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="packs Linux interpreters")

UNBUILT = Line("3.10.22", PBS)
MATRIX = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8"))
FEW_TESTS = "^TestPayload(Version|Imports)$"
"""All of the module's own tests take minutes; these two need the payload."""


def try_(
    site: Site, *more: str | Path, tests: str = FEW_TESTS, env: Mapping[str, str] | None = None
) -> Outcome:
    """``goempy try``. What it compiles is vetted in the source tree."""
    flags = f"{GOFLAGS} -vet=off -run={tests}"
    go = Go(site.folder / "modcache").env() | {"GOFLAGS": flags}
    return site.try_payloads(*more, env={**go, **(env or {})})


def built_site(
    folder: Path, archives: Mapping[str, bytes], *lines: Line, cells: list[str], pip: bool = False
) -> Site:
    """Payloads of ``cells``; musl is glibc's under another name, since this machine runs that."""
    text = matrix_text(*lines, pip=pip)
    for arch in ("x86_64", "aarch64"):
        musl = f'triple = "{arch}-unknown-linux-musl"\nbuild = "lto"'
        text = text.replace(musl, f'triple = "{arch}-unknown-linux-gnu"\nbuild = "pgo+lto"')
    site = make_site(folder, *lines, archives=archives, matrix=text, primary=lines[0].python)
    site.build(*cells, env=os.environ)
    return site


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> RealArchive:
    return real_archive(interpreters()[0], tmp_path_factory.mktemp("archive"))


def platforms() -> tuple[str, str]:
    """This machine's platform, and the musl one of the same processor."""
    name = host_platform().name.removesuffix("-musl")
    return name, f"{name}-musl"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, archive: RealArchive) -> Site:
    """A line that is built for two platforms, with pip's wheels, and one that is not."""
    lines = Line(archive.version, PBS, platforms=platforms()), UNBUILT
    cells = [*(f"{archive.version}/{name}" for name in platforms()), "pip"]
    folder = tmp_path_factory.mktemp("site")
    return built_site(folder, {archive.name: archive.data}, *lines, cells=cells, pip=True)


def row_of(outcome: Outcome, cell: str) -> list[str]:
    (row,) = [row.split("  ") for row in outcome.out.splitlines() if row.startswith(f"{cell} ")]
    return [text.strip() for text in row if text.strip()]


def test_a_payload_is_used_as_its_users_will(
    site: Site, archive: RealArchive, tmp_path: Path
) -> None:
    cell = f"{archive.version}/{platforms()[0]}"
    summary = tmp_path / "summary.md"
    go = Go(tmp_path / "modcache")
    outcome = try_(site, env={"GITHUB_STEP_SUMMARY": str(summary), **racing_go(go, tmp_path)})
    assert outcome.code == 0, outcome.log
    _cell, python, openssl, sqlite, modules, pip, tests, _time, result = row_of(outcome, cell)
    assert (python, pip, result) == (archive.interpreter.version, "ok", "ok")
    assert tests == ("ok -race" if race_env(go) else "ok")
    assert "SSL" in openssl
    assert sqlite.startswith("3.")
    good, _of, every = modules.split()
    assert good == every
    assert int(every) > len(sys.builtin_module_names) // 2
    assert re.search(r"^ok\s+\S+/python\s", outcome.log, re.MULTILINE)
    text = summary.read_text("utf-8")
    assert f"### Smoke test on {platforms()[0]}" in text
    assert f"| {cell} | {python} | {openssl} |" in text


def test_lines_without_a_payload_are_named_and_not_tested(site: Site) -> None:
    outcome = try_(site, "--lines", "3.10", "--platform", platforms()[0])
    assert outcome.code == 0
    assert f"nothing to test: no payload for {platforms()[0]}" in outcome.out
    assert f"not tested, without a payload: 3.10.22/{platforms()[0]}" in outcome.log


def test_musl_is_built_with_its_tag(site: Site, archive: RealArchive) -> None:
    """Without it the program would find no payload in its module."""
    musl = platforms()[1]
    outcome = try_(site, "--platform", musl, tests="^TestPayloadVersion$")
    assert outcome.code == 0, outcome.log
    assert row_of(outcome, f"{archive.version}/{musl}")[-1] == "ok"


def changed_archive(data: bytes, changes: Mapping[str, bytes]) -> bytes:
    """The archive with other bytes at the end of files, or with files that it had not."""
    buffer = io.BytesIO()
    reader = zstandard.ZstdDecompressor().stream_reader(data)
    with (
        tarfile.open(fileobj=reader, mode="r|") as old,
        tarfile.TarFile(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        left = dict(changes)
        for info, content in _members(old):
            more = left.pop(info.name, b"")
            info.size += len(more)
            new.addfile(info, io.BytesIO(content + more))
        for name, content in left.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            new.addfile(info, io.BytesIO(content))
    return zstandard.ZstdCompressor(level=1).compress(buffer.getvalue())


def _members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    for info in tar:
        file = tar.extractfile(info) if info.isreg() else None
        yield info, file.read() if file else b""


@pytest.fixture(scope="module")
def bad_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A line that lies of its version, with a bad module and a restless one; another is damaged."""
    folder = tmp_path_factory.mktemp("bad")
    found = interpreters()[0]
    major, minor, _patch = found.version.split(".")
    lying = real_archive(found, folder, f"{major}.{minor}.99")
    library = f"python/install/lib/{Path(found.stdlib).name}"
    restless = b"\nwith open(__file__ + '.log', 'a') as _log:\n    _log.write('started')\n"
    data = changed_archive(
        lying.data,
        {
            f"{library}/lib-dynload/goempy_bad.so": b"no ELF file",
            f"{library}/json/__init__.py": restless,
        },
    )
    versions = [lying.version, f"{major}.{minor}.98"]
    lines = [Line(version, PBS, platforms=platforms()) for version in versions]
    cells = [f"{version}/{platforms()[0]}" for version in versions]
    site = built_site(folder, {lying.name: data}, *lines, cells=cells[:1])
    site.make(cells[1:])
    blob = min((site.payloads / cells[1]).glob("*.zst"))
    blob.write_bytes(blob.read_bytes()[:-1])
    return site


def test_all_that_is_wrong_with_all_lines_is_reported_together(bad_site: Site) -> None:
    outcome = try_(bad_site, tests="^$", env={"CC": "none-here"})
    assert outcome.code == SmokeTestError.exit_code
    version = interpreters()[0].version
    line = version.rpartition(".")[0]
    lying, damaged = (f"{line}.{patch}/{platforms()[0]}" for patch in (99, 98))
    faults = [row for row in outcome.log.splitlines() if row.startswith("  - ")]
    assert len([row for row in faults if row.startswith(f"  - {lying}: ")]) == 3
    text = "\n".join(faults)
    assert f"{lying}: Python reports version {version}, not {line}.99" in text
    assert f"{lying}: module goempy_bad cannot be imported: ImportError: " in text
    assert "the second start was not warm, it wrote " in text
    assert "json/__init__.py.log" in text
    assert f"{damaged}: " in text
    assert row_of(outcome, lying)[-1] == row_of(outcome, damaged)[-1] == "failed"


def test_a_folder_that_is_not_there_is_an_error(site: Site, tmp_path: Path) -> None:
    outcome = try_(Site(site.project, tmp_path))
    assert outcome.code == PayloadError.exit_code


def test_an_unknown_platform_is_a_usage_error(site: Site) -> None:
    outcome = try_(site, "--platform", "linux-amd46")
    assert outcome.code == UsageError.exit_code
    assert "did you mean 'linux-amd64'?" in outcome.log


def test_a_machine_without_go_fails_before_anything_is_tested(site: Site, tmp_path: Path) -> None:
    outcome = try_(site, "--platform", platforms()[0], env={"PATH": str(tmp_path)})
    assert outcome.code == ToolError.exit_code
    assert "go is not on this machine" in outcome.log
    assert "smoke test" not in outcome.log


def test_without_a_name_it_is_the_platform_of_this_machine() -> None:
    assert target_platform("", MATRIX.platforms) == host_platform()


def test_the_primary_line_is_tested_else_the_newest() -> None:
    def line(text: str, variant: str = "") -> ModelLine:
        return ModelLine(PythonVersion.parse(text), PBS, variant)

    primary, newer = line("3.14.9"), line("3.15.1")
    others = [line("3.9.25"), line("3.15.0rc2"), newer, line("3.15.1", FREE_THREADED)]
    assert line_to_test([*others, primary], primary) == primary
    assert line_to_test(others, primary) == newer
    assert line_to_test([], primary) is None
