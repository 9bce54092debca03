"""GitHub's REST API on loopback: releases and their assets, as GitHub Enterprise serves them.

Shapes, texts and headers are those of docs.github.com ("REST API endpoints for releases", "Using
pagination in the REST API", "Rate limits for the REST API"). Endpoints stand in ``_ROUTES``.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.github_faults import Fault, not_found
from tests.support.pbs import sha256_of, size_of

API = "/api/v3"
PBS = "astral-sh/python-build-standalone"
_MOST_A_PAGE = 100
_REPOSITORY_ID = 162334160


@dataclass
class Asset:
    name: str
    size: int
    digest: str | None
    state: str = "uploaded"


@dataclass
class Release:
    id: int
    tag: str
    draft: bool = False
    prerelease: bool = False
    assets: list[Asset] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """One request, with its Authorization header as it was sent."""

    method: str
    path: str
    query: str
    authorization: str | None


@dataclass
class GitHub:
    """``releases`` by repository; ``faults`` are taken from a path's queue, one a request."""

    address: str
    releases: dict[str, list[Release]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, bytes] = field(default_factory=dict)
    """Download paths and what is there."""
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    requests: list[Asked] = field(default_factory=list)

    @property
    def api(self) -> str:
        return f"{self.address}{API}"

    @property
    def source(self) -> str:
        """What ``--source`` names to have PBS from here."""
        return f"{self.address}/{PBS}/releases/download"

    def add(self, tag: str, names: Iterable[str], repository: str = PBS) -> Release:
        """Publish a release with assets of these names, and its ``SHA256SUMS``."""
        number = 1000 + sum(map(len, self.releases.values()))
        assets = [Asset(name, size_of(name), f"sha256:{sha256_of(name)}") for name in names]
        release = Release(number, tag, assets=assets)
        self.releases[repository].append(release)
        self.list_sums(tag, [asset.name for asset in assets], repository)
        return release

    def list_sums(self, tag: str, names: Iterable[str], repository: str = PBS) -> None:
        rows = "".join(f"{sha256_of(name)}  {name}\n" for name in names)
        self.files[f"/{repository}/releases/download/{tag}/SHA256SUMS"] = rows.encode()

    def pages(self, release: Release) -> list[str]:
        """The queries with which a release's assets were asked for."""
        tail = f"/releases/{release.id}/assets"
        return [each.query for each in self.requests if each.path.endswith(tail)]


@contextmanager
def serve_github() -> Iterator[GitHub]:
    server = _Server(("127.0.0.1", 0), _Handler)
    github = GitHub(f"http://127.0.0.1:{server.server_address[1]}")
    server.github = github
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class _Call:
    """A request on its way to an endpoint; ``place`` is the path's part for the repository."""

    github: GitHub
    repository: str
    groups: dict[str, str]
    query: dict[str, list[str]]
    path: str

    def number(self, name: str, default: int) -> int:
        return int(self.query.get(name, [str(default)])[0])


@dataclass(frozen=True)
class _Answer:
    status: int
    body: Any
    headers: tuple[tuple[str, str], ...] = ()


def _release_json(github: GitHub, repository: str, release: Release) -> dict[str, Any]:
    url = f"{github.api}/repos/{repository}/releases/{release.id}"
    assets = [_asset_json(github, repository, release, asset) for asset in release.assets]
    return {
        "url": url,
        "assets_url": f"{url}/assets",
        "upload_url": f"{github.address}/api/uploads/repos/{repository}/releases/{release.id}"
        "/assets{?name,label}",
        "id": release.id,
        "tag_name": release.tag,
        "target_commitish": "main",
        "name": release.tag,
        "draft": release.draft,
        "prerelease": release.prerelease,
        "immutable": True,
        "body": "",
        # Nobody may rely on this list: it is not promised to be whole.
        "assets": assets[:30],
    }


def _asset_json(github: GitHub, repository: str, release: Release, asset: Asset) -> dict[str, Any]:
    number = release.id * 10_000 + release.assets.index(asset)
    name = asset.name
    return {
        "url": f"{github.api}/repos/{repository}/releases/assets/{number}",
        "id": number,
        "name": name,
        "label": "",
        "content_type": "application/octet-stream",
        "state": asset.state,
        "size": asset.size,
        "digest": asset.digest,
        "download_count": 0,
        "browser_download_url": f"{github.address}/{repository}/releases/download/"
        f"{release.tag}/{name}",
    }


def _by_tag(call: _Call) -> _Answer:
    return _one(call, lambda each: each.tag == call.groups["tag"] and not each.draft)


def _latest(call: _Call) -> _Answer:
    return _one(call, lambda each: not each.draft and not each.prerelease)


def _one(call: _Call, fits: Callable[[Release], bool]) -> _Answer:
    found = [each for each in call.github.releases[call.repository] if fits(each)]
    if not found:
        fault = not_found()
        return _Answer(fault.status, json.loads(fault.body))
    newest = max(found, key=lambda each: each.tag)
    return _Answer(200, _release_json(call.github, call.repository, newest))


def _list(call: _Call) -> _Answer:
    releases = sorted(call.github.releases[call.repository], key=lambda r: r.tag, reverse=True)
    return _page(call, [_release_json(call.github, call.repository, each) for each in releases])


def _list_assets(call: _Call) -> _Answer:
    for release in call.github.releases[call.repository]:
        if str(release.id) == call.groups["id"]:
            rows = [
                _asset_json(call.github, call.repository, release, each) for each in release.assets
            ]
            return _page(call, rows)
    return _Answer(404, json.loads(not_found().body))


def _page(call: _Call, rows: list[dict[str, Any]]) -> _Answer:
    size = min(call.number("per_page", 30), _MOST_A_PAGE)
    page = call.number("page", 1)
    last = max(1, -(-len(rows) // size))
    # GitHub's links name the repository by its number.
    base = call.github.address + call.path.replace(
        f"/repos/{call.repository}/", f"/repositories/{_REPOSITORY_ID}/"
    )
    around = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    shown = {"prev", "first"} if page > 1 else set()
    shown |= {"next", "last"} if page < last else set()
    links = [
        f'<{base}?per_page={size}&page={number}>; rel="{name}"'
        for name, number in around.items()
        if name in shown
    ]
    headers = (("Link", ", ".join(links)),) if links else ()
    return _Answer(200, rows[(page - 1) * size : page * size], headers)


_ROUTES: list[tuple[str, str, Callable[[_Call], _Answer]]] = [
    ("GET", r"/releases", _list),
    ("GET", r"/releases/latest", _latest),
    ("GET", r"/releases/tags/(?P<tag>[^/]+)", _by_tag),
    ("GET", r"/releases/(?P<id>\d+)/assets", _list_assets),
]
"""Method, path below the repository, and the endpoint."""


class _Server(ThreadingHTTPServer):
    github: GitHub

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        github = self.server.github
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        sent = self.headers.get("Authorization")
        github.requests.append(Asked(self.command, path, parts.query, sent))
        queue = github.faults.get(path)
        fault = queue.popleft() if queue else Fault()
        if fault.drop:
            self._reset()
        elif fault.status:
            self._send(fault.status, fault.body, fault.headers)
        elif path in github.files:
            self._send(200, github.files[path], (), fault.cut_after)
        else:
            answer = self._answer(github, path, parse_qs(parts.query))
            body = json.dumps(answer.body).encode()
            self._send(answer.status, body, answer.headers, fault.cut_after)

    do_HEAD = do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class's names

    def _answer(self, github: GitHub, path: str, query: dict[str, list[str]]) -> _Answer:
        named = re.fullmatch(rf"{API}/repos/(?P<repository>[^/]+/[^/]+)(?P<rest>/.*)", path)
        numbered = re.fullmatch(rf"{API}/repositories/{_REPOSITORY_ID}(?P<rest>/.*)", path)
        match = named or numbered
        for method, pattern, endpoint in _ROUTES if match else ():
            assert match is not None
            found = re.fullmatch(pattern, match["rest"])
            if found and method == self.command:
                repository = named["repository"] if named else PBS
                return endpoint(_Call(github, repository, found.groupdict(), query, path))
        return _Answer(404, json.loads(not_found().body))

    def _send(
        self, status: int, body: bytes, headers: Iterable[tuple[str, str]], cut_after: int = -1
    ) -> None:
        self.send_response(status)
        told = {
            "Content-Length": str(len(body)),
            "Content-Type": "application/json",
            **dict(headers),
        }
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body if cut_after < 0 else body[:cut_after])
        if cut_after >= 0:
            self._reset()

    def _reset(self) -> None:
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args
