"""An HTTP server on loopback that can fail as real ones do."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import trustme

from tests.harness.limits import HANGS_AFTER_S


@dataclass(frozen=True)
class Fault:
    """What happens to one request in place of a good answer."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    cut_after: int = -1
    """Send this many bytes of the body, then reset the connection."""
    stall_after: int = -1
    """Send this many bytes of the body, then nothing until the server is closed."""
    ignore_range: bool = False


_GOOD = Fault()


@dataclass
class Loopback:
    """``files`` are served by path; ``faults`` are taken from a path's queue, one a request.

    ``posts`` answer the bodies of POST requests, with a status.
    """

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    posts: dict[str, Callable[[bytes], tuple[int, bytes]]] = field(default_factory=dict)
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, path, Range header) of each request."""
    targets: list[str] = field(default_factory=list)
    """Paths as they were sent, before unquoting."""
    closing: threading.Event = field(default_factory=threading.Event)

    def gets(self, path: str) -> list[str]:
        """The Range headers of the GET requests for ``path``."""
        return [asked for method, each, asked in self.requests if (method, each) == ("GET", path)]


def untrusted() -> ssl.SSLContext:
    """For ``serve``: a certificate for 127.0.0.1 of an unknown authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@contextmanager
def serve(tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    server = _Server(("127.0.0.1", 0), _Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "https" if tls else "http"
    loopback = Loopback(f"{scheme}://127.0.0.1:{server.server_address[1]}")
    server.loopback = loopback  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield loopback
    finally:
        loopback.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A body that follows its head would wait for the client's word.
    disable_nagle_algorithm = True

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_POST(self) -> None:
        self._answer(body=True)

    def do_CONNECT(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        loopback: Loopback = self.server.loopback  # type: ignore[attr-defined]
        path = unquote(self.path)
        sent = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        asked = self.headers.get("Range", "")
        loopback.requests.append((self.command, path, asked))
        loopback.targets.append(self.path)
        queue = loopback.faults.get(path)
        fault = queue.popleft() if queue and (body or queue[0].status) else Fault()
        known = loopback.posts if self.command == "POST" else loopback.files
        if fault.status or path not in known:
            self._send(fault.status or 404, b"", dict(fault.headers), body=body)
            return
        if self.command == "POST":
            status, data = loopback.posts[path](sent)
            self._send(status, data, {}, body=body, fault=fault)
            return
        data = loopback.files[path]
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if not asked or fault.ignore_range:
            self._send(200, data, {}, body=body, fault=fault)
        elif first >= len(data):
            self._send(416, b"", {"Content-Range": f"bytes */{len(data)}"}, body=body)
        else:
            place = f"bytes {first}-{len(data) - 1}/{len(data)}"
            headers = {"Content-Range": place}
            self._send(206, data[first:], headers, body=body, fault=fault)

    def _send(
        self,
        status: int,
        data: bytes,
        headers: dict[str, str],
        *,
        body: bool,
        fault: Fault = _GOOD,
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if not body:
            return
        end = max(fault.cut_after, fault.stall_after)
        if end < 0:
            self.wfile.write(data)
            return
        self.wfile.write(data[:end])
        self.wfile.flush()
        if fault.stall_after >= 0:
            self.server.loopback.closing.wait(HANGS_AFTER_S)  # type: ignore[attr-defined]
            return
        # Reset, as a dying server or a broken line does.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args
