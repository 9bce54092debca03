"""OSV's API and its exports: the same answers, and clear errors for what is neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from pipeline.formats.osv import GIT, PYPI, OsvPackage
from pipeline.sources.download import Downloader
from pipeline.sources.osv import (
    OTHER_OSV,
    OsvApi,
    OsvExport,
    VulnerabilityDatabase,
    open_database,
)
from pipeline.system.errors import ArchiveError, DownloadError, UsageError
from tests.fakes.http_server import Fault, Loopback
from tests.fakes.osv import Osv, git_record, pypi_record
from tests.harness.console import captured_console
from tests.harness.limits import HANGS_AFTER_S

REPO = "https://github.com/python/cpython"
CPYTHON = OsvPackage(GIT, REPO, "v3.14.8")
NEWER = OsvPackage(GIT, REPO, "v3.14.9")
PIP = OsvPackage(PYPI, "pip", "26.2")
TOOL = OsvPackage(PYPI, "a_tool", "1.0")
RECORDS = (
    git_record("PSF-2026-4", REPO, "v3.14.7", "v3.14.8", aliases=["CVE-2026-1"]),
    git_record("CVE-2026-1", REPO, "v3.14.7", "v3.14.8", aliases=["PSF-2026-4"]),
    git_record("CVE-2026-2", REPO, "v3.14.8", withdrawn="2026-01-01T00:00:00Z"),
    git_record("CVE-2026-3", "https://github.com/openssl/openssl", "openssl-3.5.4"),
    pypi_record("GHSA-4xh5-x5gv-qwph", "pip", "26.3", "26.1", "26.2"),
    pypi_record("GHSA-aaaa-bbbb-cccc", "pipx", "9", "26.2"),
)
EXPECTED = {
    CPYTHON: ["CVE-2026-1", "PSF-2026-4"], NEWER: [], PIP: ["GHSA-4xh5-x5gv-qwph"], TOOL: [],
}  # fmt: skip


@dataclass
class World:
    osv: Osv
    api: OsvApi


@pytest.fixture
def world(server: Loopback) -> Iterator[World]:
    osv = Osv(server)
    osv.add(*RECORDS)
    with httpx.Client(timeout=HANGS_AFTER_S) as client:
        yield World(
            osv,
            OsvApi(osv.address, Downloader(client, captured_console()[0], _no_pause, OTHER_OSV)),
        )


def _no_pause(_seconds: float) -> None:
    pass


def found(database: VulnerabilityDatabase) -> dict[OsvPackage, list[str]]:
    return {
        package: [each.id for each in records]
        for package, records in database.find([CPYTHON, NEWER, PIP, TOOL, PIP]).items()
    }


def test_the_api_and_an_export_find_the_same(world: World, tmp_path: Path) -> None:
    assert found(world.api) == EXPECTED
    assert found(OsvExport(world.osv.export(tmp_path))) == EXPECTED
    # Two packages of two ecosystems are one request, and a record is asked for once.
    asked = [path for _method, path, _range in world.osv.server.requests]
    assert sorted(asked) == sorted(["/v1/querybatch", *(
        f"/v1/vulns/{name}"
        for name in ("CVE-2026-1", "CVE-2026-2", "PSF-2026-4", "GHSA-4xh5-x5gv-qwph")
    )])  # fmt: skip


def test_pages_are_followed_to_their_end(world: World) -> None:
    world.osv.page = 1
    assert found(world.api) == EXPECTED
    tokens = [each.get("page_token", "") for each in world.osv.queries]
    assert tokens == ["", "", "", "", "1", "2"]


def test_no_request_has_more_queries_than_osv_takes(world: World) -> None:
    many = [OsvPackage(PYPI, f"p{number}", "1") for number in range(1001)]
    assert world.api.find(many) == dict.fromkeys(many, ())
    assert len(world.osv.queries) == 1001


def test_a_bad_moment_of_osv(world: World) -> None:
    world.osv.server.faults["/v1/querybatch"].append(Fault(503))
    world.osv.server.faults["/v1/vulns/CVE-2026-1"].append(Fault(cut_after=10))
    assert found(world.api) == EXPECTED


@pytest.mark.parametrize(
    ("path", "answer", "why"),
    [
        ("/v1/querybatch", None, "there is nothing"),
        ("/v1/querybatch", b"<html>", "is not JSON"),
        ("/v1/querybatch", b'{"results": []}', "0 results for 4 queries"),
        ("/v1/vulns/CVE-2026-1", None, "no record that it lists"),
        ("/v1/vulns/CVE-2026-1", b"{}", "id: is missing"),
    ],
)
def test_what_is_not_osv(world: World, path: str, answer: bytes | None, why: str) -> None:
    server = world.osv.server
    server.posts.pop(path, None)
    server.files.pop(path, None)
    if answer is not None:
        server.files[path] = answer
        if path.endswith("batch"):
            server.posts[path] = lambda _body: (200, answer)
    with pytest.raises(DownloadError, match=why) as caught:
        found(world.api)
    assert "GOEMPY_OSV" in caught.value.hint


def test_an_api_that_is_not_there(world: World) -> None:
    api = OsvApi("http://127.0.0.1:9", world.api.http)
    with pytest.raises(DownloadError, match="no connection to 127"):
        found(api)


def test_exports_that_are_missing_are_listed_together(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        found(OsvExport(tmp_path))
    assert [Path(each).parent.name for each in caught.value.details] == [GIT, PYPI]


@pytest.mark.parametrize("damage", ["cut", "text", "record"])
def test_a_damaged_export(world: World, tmp_path: Path, damage: str) -> None:
    if damage == "record":
        world.osv.records["X"] = {"aliases": ["cpython"], "id": 7, "affected": [{"versions": []}]}
    path = world.osv.export(tmp_path) / GIT / "all.zip"
    data = path.read_bytes()
    if damage == "text":
        path.write_bytes(b"<html>")
    elif damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ArchiveError, match="is not an export of OSV"):
        found(OsvExport(tmp_path))


def test_what_an_option_names(world: World, tmp_path: Path) -> None:
    def downloader() -> Downloader:
        return world.api.http

    assert open_database(f"{world.osv.address}/", downloader, "--osv") == world.api
    assert open_database(str(tmp_path), downloader, "--osv") == OsvExport(tmp_path)
    for wrong in ("nowhere", "https://"):
        with pytest.raises(UsageError, match=f"GOEMPY_OSV {wrong} is"):
            open_database(wrong, downloader, "GOEMPY_OSV")


def test_a_query_is_what_the_api_documents(world: World) -> None:
    found(world.api)
    assert json.loads(json.dumps(world.osv.queries[0])) == {
        "package": {"ecosystem": "GIT", "name": REPO}, "version": "v3.14.8",
    }  # fmt: skip
