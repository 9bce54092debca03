"""GitHub's REST API on loopback, as GitHub Enterprise serves it, with state and with faults."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.github.faults import not_found, unauthorized
from tests.fakes.github.issues import ISSUE_ROUTES
from tests.fakes.github.pulls import PULL_ROUTES
from tests.fakes.github.releases import RELEASE_ROUTES, UPLOAD_ROUTES, break_upload
from tests.fakes.github.state import (
    API,
    PBS,
    REPOSITORY_ID,
    UPLOADS,
    Answer,
    Asset,
    Call,
    GitHub,
    Issue,
    Pull,
    RecordedRequest,
    Release,
    refused,
)

__all__ = [
    "API",
    "PBS",
    "UPLOADS",
    "Asset",
    "GitHub",
    "Issue",
    "Pull",
    "RecordedRequest",
    "Release",
    "serve_github",
]  # fmt: skip

_ROUTES = (*RELEASE_ROUTES, *PULL_ROUTES, *ISSUE_ROUTES)


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


class _Server(ThreadingHTTPServer):
    github: GitHub

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A body that follows its head would wait for the client's word.
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        github = self.server.github
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        sent = self.headers.get("Authorization")
        github.requests.append(RecordedRequest(self.command, path, parts.query, sent))
        fault = github.fault(self.command, path)
        size = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(size // 2 if fault.half else size)
        if fault.half or fault.done:
            self._answer(github, path, parse_qs(parts.query), body, half=fault.half)
        if fault.drop or fault.half:
            self._reset()
        elif fault.status:
            self._send(fault.status, fault.body, fault.headers)
        elif path in github.files:
            self._send(200, github.files[path], (), fault.cut_after)
        else:
            answer = self._answer(github, path, parse_qs(parts.query), body)
            data = b"" if answer.status == 204 else json.dumps(answer.body).encode()
            self._send(answer.status, data, answer.headers, fault.cut_after)

    do_HEAD = do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class's names

    def _answer(
        self,
        github: GitHub,
        path: str,
        query: dict[str, list[str]],
        body: bytes,
        *,
        half: bool = False,
    ) -> Answer:
        named = re.fullmatch(
            rf"({API}|{UPLOADS})/repos/(?P<repository>[^/]+/[^/]+)(?P<rest>.*)", path
        )
        numbered = re.fullmatch(rf"{API}/repositories/{REPOSITORY_ID}(?P<rest>/.*)", path)
        match = named or numbered
        if match is None:
            return refused(not_found())
        found = _endpoint(self.command, match["rest"], uploads=path.startswith(UPLOADS))
        if found is None:
            return refused(not_found())
        answering, groups = found
        repository = named["repository"] if named else PBS
        if new := github.renamed.get(repository):
            status = 301 if self.command == "GET" else 307
            location = f"{github.api}/repos/{new}{match['rest']}"
            return Answer(status, {"message": "Moved"}, (("Location", location),))
        token = self.headers.get("Authorization", "").removeprefix("token ")
        may_push = bool(token) and token not in github.readers
        if self.command != "GET" and not may_push:
            return refused(not_found() if token else unauthorized())
        call = Call(github, repository, groups, query, path, body, may_push)
        return break_upload(call) if half else answering(call)

    def _send(
        self, status: int, body: bytes, headers: Iterable[tuple[str, str]], cut_after: int = -1
    ) -> None:
        self.send_response(status)
        sent = {
            "Content-Length": str(len(body)),
            "Content-Type": "application/json",
            **dict(headers),
        }
        if status == 204:
            sent = dict(headers)
        for name, value in sent.items():
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


def _endpoint(
    method: str, rest: str, *, uploads: bool = False
) -> tuple[Callable[[Call], Answer], dict[str, str]] | None:
    """What answers at a path below the repository, and the parts that it takes from it."""
    for verb, pattern, each in UPLOAD_ROUTES if uploads else _ROUTES:
        found = re.fullmatch(pattern, rest)
        if found and verb == method:
            return each, found.groupdict()
    return None
