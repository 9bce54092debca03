"""Bring an asset into the cache, and believe nothing until its sha256 is the pinned one.

The cache holds finished assets as ``<first 16 hex digits of the sha256>-<name>`` and unfinished
ones with ``.part`` behind. A ``.part`` is only ever continued, never used: the file gets its
final name after size and hash were compared, and both are compared again at every later use.
"""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import filelock
import httpx

from pipeline.config.model import Asset
from pipeline.system.errors import DigestError, DownloadError
from pipeline.system.files import CHUNK_BYTES, disk_errors

_Result = TypeVar("_Result")

ATTEMPTS = 6
_TIMEOUT = httpx.Timeout(60, connect=15)
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class Digest(Protocol):
    """What ``hashlib`` makes."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""

    def hexdigest(self) -> str:
        """The digest of all bytes so far."""


class NotFoundError(Exception):
    """The server says 404 or 410; the caller knows what that means."""


class Progress(Protocol):
    """Told of bytes as they arrive."""

    def start(self, title: str, total_bytes: int, done_bytes: int) -> Callable[[int], None]:
        """Begin a transfer; the result is called with each further count of bytes."""

    def warning(self, text: str) -> None:
        """Something that a person should know, though it goes on."""


class _RetryableError(Exception):
    """A failure that the next attempt may not have."""

    def __init__(self, what: str, pause_s: float | None = None) -> None:
        super().__init__(what)
        self.pause_s = pause_s


class _StaleError(Exception):
    """What stands in the ``.part`` is no beginning of the asset."""


def connect() -> httpx.Client:
    """Connections by the rules of this machine: proxies, certificates. Raises ``DownloadError``."""
    try:
        return httpx.Client(timeout=_TIMEOUT, follow_redirects=True)
    except (ValueError, OSError, ImportError, httpx.InvalidURL) as fault:
        raise DownloadError(
            f"connections cannot be set up: {fault}",
            hint="Check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
        ) from fault


@dataclass(frozen=True, slots=True)
class Downloader:
    """Requests that outlast a bad moment of the network.

    ``sleep`` takes seconds; it is a parameter so that tests need not wait.
    """

    client: httpx.Client
    progress: Progress
    sleep: Callable[[float], None] = time.sleep

    def text(self, url: str) -> str:
        """A small text file; raises ``NotFoundError`` or ``DownloadError``."""
        return self._retry(url, lambda: self._get_text(url))

    def size(self, url: str) -> int:
        """``Content-Length`` by a HEAD request; raises ``NotFoundError`` or ``DownloadError``."""
        return self._retry(url, lambda: self._head_size(url))

    def download(self, url: str, asset: Asset, cache: Path) -> Path:
        """The asset's file in ``cache``, proven; raises ``DigestError`` besides the others.

        Processes that want one asset at once wait for each other.
        """
        final = cached_path(cache, asset.name, asset.sha256)
        with disk_errors(cache):
            cache.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(final.with_name(f"{final.name}.lock"), mode=0o644):
                if not self._is_good(final, asset):
                    self._fill(url, asset, final)
        return final

    def _is_good(self, final: Path, asset: Asset) -> bool:
        """Prove a cached file; one that changed is told of and removed."""
        if not final.exists():
            return False
        try:
            verify_digest(final, asset)
        except DigestError as fault:
            self.progress.warning(f"{fault.what}; it is fetched again")
            final.unlink()
            return False
        return True

    def _fill(self, url: str, asset: Asset, final: Path) -> None:
        part = final.with_name(f"{final.name}.part")
        try:
            self._retry(url, lambda: self._attempt(url, asset, part))
        except DigestError:
            part.unlink(missing_ok=True)
            raise
        part.replace(final)

    def _attempt(self, url: str, asset: Asset, part: Path) -> None:
        """Fetch what ``part`` lacks, and prove the whole."""
        with part.open("ab+") as file:
            digest, have = _digest_of(file)
            resumed = have > 0
            try:
                if have < asset.size_bytes:
                    have = self._stream(url, asset, file, digest, have)
                _compare(asset, have, digest.hexdigest(), where=url)
            except (_StaleError, DigestError) as fault:
                file.truncate(0)
                if isinstance(fault, DigestError) and not resumed:
                    raise
                # The beginning came from an earlier run; the whole may still be right.
                raise _RetryableError(str(fault), pause_s=0) from fault

    def _stream(self, url: str, asset: Asset, file: BinaryIO, digest: Digest, have: int) -> int:
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with self._request("GET", url, headers) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise _StaleError("the server has fewer bytes than were there before")
            if have and not _continues(response, have):
                raise _StaleError("the server sent the asset from another place on")
            advance = self.progress.start(asset.name, asset.size_bytes, have)
            for chunk in response.iter_raw():
                have += len(chunk)
                if have > asset.size_bytes:
                    break  # longer than pinned; the comparison says so
                file.write(chunk)
                digest.update(chunk)
                advance(len(chunk))
        return have

    def _get_text(self, url: str) -> str:
        with self._request("GET", url, {}) as response:
            response.read()
            return response.text

    def _head_size(self, url: str) -> int:
        with self._request("HEAD", url, {"Accept-Encoding": "identity"}) as response:
            length = response.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise DownloadError(
                f"{url} does not say how long it is",
                hint="Write sizes into matrix.lock with 'goempy lock' against another source.",
            )
        return int(length)

    @contextlib.contextmanager
    def _request(self, method: str, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        with self.client.stream(method, url, headers=headers) as response:
            code = response.status_code
            if code in {404, 410}:
                raise NotFoundError(url)
            if code in _RETRIED:
                raise _RetryableError(f"the server answers {code}", _retry_after(response))
            if code >= 400 and code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise DownloadError(
                    f"{url} answers {code} {response.reason_phrase}",
                    hint="Check the address, and whether it wants you to sign in.",
                )
            yield response

    def _retry(self, url: str, attempt: Callable[[], _Result]) -> _Result:
        """Call ``attempt`` until it works, with growing pauses between."""
        pause_s = _FIRST_PAUSE_S
        for number in range(1, ATTEMPTS + 1):
            try:
                return attempt()
            except httpx.UnsupportedProtocol as fault:
                raise _gave_up(url, str(fault), 1) from fault
            except (_RetryableError, httpx.TransportError) as fault:
                what = str(fault) or type(fault).__name__
                if number == ATTEMPTS:
                    raise _gave_up(url, what, number) from fault
                asked = fault.pause_s if isinstance(fault, _RetryableError) else None
                # Jitter, so that the jobs of one matrix do not come back all at once.
                wait_s = pause_s * random.uniform(0.8, 1.2) if asked is None else asked  # noqa: S311
                wait_s = min(wait_s, _LONGEST_PAUSE_S)
                self.progress.warning(
                    f"{what}; attempt {number + 1} of {ATTEMPTS} in {wait_s:.1f} s"
                )
                self.sleep(wait_s)
                pause_s *= 2
            except httpx.HTTPError as fault:
                raise _gave_up(url, str(fault), number) from fault
        raise AssertionError("the last attempt returns or raises")


def cached_path(cache: Path, name: str, sha256: str) -> Path:
    """Where in ``cache`` an asset is, or would be."""
    return cache / f"{sha256[:16]}-{name}"


def verify_digest(path: Path, asset: Asset) -> None:
    """Raise ``DigestError`` unless the file's size and sha256 are those of ``asset``."""
    with path.open("rb") as file:
        digest, size = _digest_of(file)
    _compare(asset, size, digest.hexdigest(), where=str(path))


def _digest_of(file: BinaryIO) -> tuple[Digest, int]:
    """A digest that has seen the whole file, and how long it is; the file stands at its end."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    return digest, size


def _compare(asset: Asset, size_bytes: int, sha256: str, *, where: str) -> None:
    faults = []
    if size_bytes != asset.size_bytes:
        more = "at least " if size_bytes > asset.size_bytes else ""
        faults.append(f"size: pinned {asset.size_bytes} bytes, found {more}{size_bytes}")
    if sha256 != asset.sha256 and size_bytes <= asset.size_bytes:
        faults.append(f"sha256: pinned {asset.sha256}, found {sha256}")
    if faults:
        raise DigestError(
            f"{asset.name} from {where} is not the pinned asset",
            details=faults,
            hint="Nothing of it was used or kept. If the release was rebuilt on purpose, write "
            "matrix.lock anew with 'goempy lock'; otherwise distrust the source.",
        )


def _continues(response: httpx.Response, have: int) -> bool:
    """Whether the answer to a Range request begins at byte ``have``."""
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        return False
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {have}-")


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait (RFC 9110, 10.2.3): a number or a date."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    date = email.utils.parsedate_tz(value)
    return None if date is None else max(0.0, email.utils.mktime_tz(date) - time.time())


def _gave_up(url: str, what: str, attempts: int) -> DownloadError:
    tried = "once" if attempts == 1 else f"{attempts} times"
    return DownloadError(
        f"cannot fetch {shown(url)} (tried {tried}): {what}",
        hint="Check the network. A later run goes on where this one stopped; --source or "
        "GOEMPY_PBS_MIRROR names another place.",
    )


def shown(url: str) -> str:
    """An address without user and password, for messages."""
    return str(httpx.URL(url).copy_with(userinfo=b""))
