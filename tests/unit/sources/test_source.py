"""Sources and pins: where an asset comes from, and how its absence is reported."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import click
import pytest

from pipeline.cli.context import Context
from pipeline.config.lock import dump_lock
from pipeline.config.model import Pin
from pipeline.sources.source import parse_checksums
from pipeline.system.errors import (
    AssetNotFoundError,
    DigestError,
    DownloadError,
    LockError,
    UsageError,
)
from tests.builders.pbs_archive import full_archive, unix_tree
from tests.fakes.http_server import Fault, Loopback
from tests.harness.console import captured_console
from tests.harness.project import Outcome, Project

NAME = "cpython-3.14.9+20261021-x86_64-unknown-linux-gnu-pgo+lto-full.tar.zst"
PATH = f"/20261021/{NAME}"
SUMS = "/20261021/SHA256SUMS"
DATA = full_archive(unix_tree())
SHA = hashlib.sha256(DATA).hexdigest()
CELL = "3.14.9/linux-amd64"


def build(project: Project, source: str | Path, *more: str) -> Outcome:
    out = project.root.parent / "out"
    outcome = project.run("build", CELL, "--out", out, "--source", source, *more)
    # Whatever fails: no payload, and no scratch directory.
    assert outcome.code == 0 or not out.exists() or list(out.iterdir()) == []
    return outcome


@pytest.fixture
def locked(project: Project) -> Project:
    project.write("matrix.lock", dump_lock([Pin("20261021", NAME, SHA, len(DATA))]))
    return project


def test_a_mirror_has_github_s_paths(locked: Project, server: Loopback) -> None:
    server.files[PATH] = DATA
    assert build(locked, f"{server.address}/").code == 0
    assert server.requests == [("GET", PATH, "")]
    # GitHub's own links spell the plus like this.
    assert server.targets == [PATH.replace("+", "%2B")]


def test_a_redirect_to_another_host_is_followed(locked: Project, server: Loopback) -> None:
    """As GitHub's downloads do."""
    server.files["/elsewhere"] = DATA
    server.faults[PATH].append(Fault(302, (("Location", f"{server.address}/elsewhere"),)))
    assert build(locked, server.address).code == 0
    assert server.gets("/elsewhere") == [""]


def test_the_mirror_of_the_environment(locked: Project, server: Loopback) -> None:
    server.files[PATH] = DATA
    out = locked.root.parent / "out"
    env = {"GOEMPY_PBS_MIRROR": server.address}
    assert locked.run("build", CELL, "--out", out, env=env).code == 0
    assert server.gets(PATH) == [""]


def test_the_source_of_the_matrix(locked: Project, server: Loopback) -> None:
    server.files[PATH] = DATA
    text = (locked.root / "matrix.toml").read_text("utf-8")
    locked.write("matrix.toml", f'source = "{server.address}"\n{text}')
    out = locked.root.parent / "out"
    assert locked.run("build", CELL, "--out", out).code == 0
    assert server.gets(PATH) == [""]


@pytest.mark.parametrize("below", ["", "20261021"])
def test_a_folder(locked: Project, tmp_path: Path, below: str) -> None:
    folder = tmp_path / "assets" / below
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(DATA)
    assert build(locked, tmp_path / "assets").code == 0


def test_a_folder_s_asset_is_proven_too(locked: Project, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / NAME).write_bytes(DATA[:-1] + b"x")
    outcome = build(locked, tmp_path / "assets")
    assert outcome.code == DigestError.exit_code
    assert f"sha256: pinned {SHA}, found " in outcome.log


def test_what_is_no_source(locked: Project) -> None:
    outcome = build(locked, "ftp://example.com/x")
    assert outcome.code == UsageError.exit_code
    assert "is neither 'github', an http(s) address nor a folder" in outcome.log


def test_a_missing_pin_is_taken_from_the_release_and_told(
    project: Project, server: Loopback
) -> None:
    server.files |= {PATH: DATA, SUMS: f"{SHA}  {NAME}\n".encode()}
    outcome = build(project, server.address)
    assert outcome.code == 0
    assert (
        f"warning: {CELL}: {NAME} is not in matrix.lock; its sha256 is that of SHA256SUMS of "
        "release 20261021. 'goempy lock' pins it." in outcome.log
    )


def test_a_missing_pin_that_the_asset_contradicts(project: Project, server: Loopback) -> None:
    server.files |= {PATH: DATA, SUMS: f"{'0' * 64}  {NAME}\n".encode()}
    outcome = build(project, server.address)
    assert outcome.code == DigestError.exit_code
    assert f"{NAME} from {server.address}" in outcome.log


def test_a_pin_without_a_size_asks_for_it(project: Project, server: Loopback) -> None:
    project.write("matrix.lock", dump_lock([Pin("20261021", NAME, SHA)]))
    server.files[PATH] = DATA
    assert build(project, server.address).code == 0
    assert server.requests[0][0] == "HEAD"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (DATA[:-1] + b"x", "sha256: pinned "),
        (DATA + b"more", f"size: pinned {len(DATA)} bytes, found at least"),
        (DATA[:-5], f"size: pinned {len(DATA)} bytes, found {len(DATA) - 5}"),
    ],
    ids=["other bytes", "longer", "shorter"],
)
def test_an_asset_that_is_not_the_pinned_one(
    locked: Project, server: Loopback, data: bytes, fault: str
) -> None:
    server.files[PATH] = data
    outcome = build(locked, server.address)
    assert outcome.code == DigestError.exit_code
    assert f"error: {CELL}: {NAME} from {server.address}" in outcome.log
    assert fault in outcome.log
    assert "It was neither used nor kept" in outcome.log
    cache = locked.root.parent / "cache"
    assert [path for path in cache.iterdir() if path.is_file() and path.suffix != ".lock"] == []


def test_an_asset_that_the_release_does_not_have(locked: Project, server: Loopback) -> None:
    near = [NAME.replace("3.14.9", version) for version in ("3.14.8", "3.14.10")]
    server.files[SUMS] = "".join(f"{'0' * 64}  {name}\n" for name in near).encode()
    outcome = build(locked, server.address)
    assert outcome.code == AssetNotFoundError.exit_code
    assert f"{NAME} is not in release 20261021 at {server.address}" in outcome.log
    for name in near:
        assert f"nearest there: {name}" in outcome.log


def test_a_release_that_does_not_exist(locked: Project, server: Loopback) -> None:
    outcome = build(locked, server.address)
    assert outcome.code == AssetNotFoundError.exit_code
    assert f"{NAME} is not at {server.address}" in outcome.log
    assert f"{server.address} has no release 20261021" in outcome.log


def test_without_a_source_it_is_pbs_on_github(
    locked: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked: the source only says where it would."""
    monkeypatch.chdir(locked.root)
    context = Context({}, lambda: captured_console()[0], lambda _seconds: None, date.today)
    with click.Context(click.Command("goempy")):
        for name in ("", "github"):
            assert context.source(name).title == (
                "https://github.com/astral-sh/python-build-standalone/releases/download"
            )


def test_a_folder_without_the_asset(locked: Project, tmp_path: Path) -> None:
    near = NAME.replace("3.14.9", "3.14.8")
    (tmp_path / near).write_bytes(b"")
    outcome = build(locked, tmp_path)
    assert outcome.code == AssetNotFoundError.exit_code
    assert f"nearest there: {near}" in outcome.log


def test_a_server_that_is_down(locked: Project) -> None:
    env = {"GOEMPY_PBS_MIRROR": "unknown-scheme://host"}
    outcome = locked.run("build", CELL, "--out", locked.root / "out", env=env)
    assert outcome.code == UsageError.exit_code


def test_a_server_that_refuses(locked: Project, server: Loopback) -> None:
    server.files[PATH] = DATA
    server.faults[PATH].append(Fault(401))
    outcome = build(locked, server.address)
    assert outcome.code == DownloadError.exit_code
    assert "answers 401 Unauthorized" in outcome.log


def test_a_lock_of_another_release(project: Project, server: Loopback) -> None:
    project.write("matrix.lock", dump_lock([Pin("20260101", NAME, SHA, 1)]))
    outcome = build(project, server.address)
    assert outcome.code == LockError.exit_code
    assert "matrix.lock has" in outcome.log


def test_checksum_lists() -> None:
    text = f"{'a' * 64}  one.tar.gz\n\n{'b' * 64} *two+x.zst\n"
    assert dict(parse_checksums(text)) == {"one.tar.gz": "a" * 64, "two+x.zst": "b" * 64}
    with pytest.raises(LockError, match=r"row 1 of SHA256SUMS is not .*<html>"):
        parse_checksums("<html>rate limited</html>")


def test_a_password_in_an_address_is_not_printed(project: Project, server: Loopback) -> None:
    address = server.address.replace("http://", "http://user:hunter2@")
    outcome = project.run("lock", "--source", address)
    assert outcome.code != 0
    assert "hunter2" not in outcome.out + outcome.log
    assert server.address in outcome.log
