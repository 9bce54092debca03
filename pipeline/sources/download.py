"""Download assets into the cache and verify their sha256.

The cache holds finished assets as ``<first 16 hex digits of the sha256>-<name>`` and partial
downloads as ``<…>.part``. A ``.part`` is resumed, never used: the file gets its final name once
its size and hash are the pinned ones, and both are compared again at every later use.
"""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import filelock
import httpx
import tenacity

from pipeline.config.model import Asset
from pipeline.sources.proxies import ProxiedTransport
from pipeline.system.errors import DigestError, DownloadError
from pipeline.system.files import CHUNK_BYTES, disk_errors, sha256_of
from pipeline.system.network import PROXY_HINT, lasting_tls_hint

_Result = TypeVar("_Result")

ATTEMPTS = 6
_TIMEOUT = httpx.Timeout(60, connect=15)
_LONGEST_PAUSE_S = 30.0
# Jitter, so that the jobs of one matrix do not come back all at once.
_BACKOFF = tenacity.wait_exponential(multiplier=0.4) + tenacity.wait_random(max=0.2)
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_PROXY_STATUS = re.compile(r" answers: (\d{3}) ")
"""In an error of ``ProxiedTransport``."""


class NotFoundError(Exception):
    """The server answers 404 or 410; the caller knows what that means."""


class Progress(Protocol):
    """Where transfers are shown."""

    def start(self, title: str, total_bytes: int, done_bytes: int) -> Callable[[int], None]:
        """Begin a transfer; the result is called with each further count of bytes."""

    def warning(self, text: str) -> None:
        """Show a problem that does not end the run."""


class _RetryableError(Exception):
    """A failure that may not happen again; ``pause_s`` is how long the server asks to wait."""

    def __init__(self, what: str, pause_s: float | None = None) -> None:
        super().__init__(what)
        self.pause_s = pause_s


class _RefusedError(DownloadError):
    """The server does not do what it is asked, and will not later."""


class _StaleError(Exception):
    """The ``.part`` is not the beginning of the asset."""


def connect() -> httpx.Client:
    """A client with this machine's proxies and certificates; raises ``DownloadError``."""
    proxies = urllib.request.getproxies()
    transport = ProxiedTransport(proxies, proxies.get("no", ""))
    return httpx.Client(timeout=_TIMEOUT, follow_redirects=True, transport=transport)


@dataclass(frozen=True, slots=True)
class Downloader:
    """Requests that are repeated where that may help; ``sleep`` takes seconds.

    ``other_source`` says how to name another source, for the hint of an error.
    """

    client: httpx.Client
    progress: Progress
    sleep: Callable[[float], None] = time.sleep
    other_source: str = (
        "The next run resumes the download; --source or GOEMPY_PBS_MIRROR names another source."
    )

    def text(self, url: str) -> str:
        """A small text file; raises ``NotFoundError`` or ``DownloadError``."""
        return self._retry(url, lambda: self._get_text(url))

    def post(self, url: str, body: str) -> str:
        """The answer to a JSON text; raises ``NotFoundError`` or ``DownloadError``.

        Only for what a server may be asked twice.
        """
        return self._retry(url, lambda: self._get_text(url, body))

    def size(self, url: str) -> int:
        """``Content-Length``; raises ``NotFoundError`` or ``DownloadError``.

        By HEAD, and where a server refuses that, by a GET that ends after the headers.
        """
        try:
            return self._retry(url, lambda: self._asked_size("HEAD", url))
        except _RefusedError:
            return self._retry(url, lambda: self._asked_size("GET", url))

    def download(self, url: str, asset: Asset, cache: Path) -> Path:
        """The asset's verified file in ``cache``; raises ``DigestError`` besides the others.

        Processes that want the same asset wait for each other.
        """
        final = cached_path(cache, asset.name, asset.sha256)
        with disk_errors(cache):
            cache.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(final.with_name(f"{final.name}.lock"), mode=0o644):
                if not self._is_cached(final, asset):
                    self._fill(url, asset, final)
        return final

    def _is_cached(self, final: Path, asset: Asset) -> bool:
        """Verify a cached file; one that changed is removed."""
        if not final.exists():
            return False
        try:
            verify_digest(final, asset)
        except DigestError as fault:
            self.progress.warning(f"{fault.what}; fetching it again")
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
        """Fetch what ``part`` lacks, and verify the whole."""
        digest, have = hashlib.sha256(), 0
        with part.open("ab+") as file:
            file.seek(0)
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                have += len(chunk)
            resumed = have > 0
            try:
                if have < asset.size_bytes:
                    for chunk in self._stream(url, asset, have):
                        file.write(chunk)
                        digest.update(chunk)
                        have += len(chunk)
                _compare(asset, have, digest.hexdigest(), where=shown(url))
            except (_StaleError, DigestError) as fault:
                file.truncate(0)
                if isinstance(fault, DigestError) and not resumed:
                    raise
                # The beginning came from an earlier run; the whole may still be right.
                raise _RetryableError(str(fault), pause_s=0) from fault

    def _stream(self, url: str, asset: Asset, have: int) -> Iterator[bytes]:
        """The asset from byte ``have`` on; ends early where it is longer than pinned."""
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with self._request("GET", url, headers) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise _StaleError("the server has fewer bytes than the partial download")
            if have and not _continues(response, have):
                raise _StaleError("the server did not resume where the partial download ends")
            advance = self.progress.start(asset.name, asset.size_bytes, have)
            for chunk in response.iter_raw():
                yield chunk
                have += len(chunk)
                if have > asset.size_bytes:
                    return
                advance(len(chunk))

    def _get_text(self, url: str, body: str = "") -> str:
        method, headers = ("POST", {"Content-Type": "application/json"}) if body else ("GET", {})
        with self._request(method, url, headers, body) as response:
            response.read()
            return response.content.decode("utf-8", "replace")  # no charset of a header decides

    def _asked_size(self, method: str, url: str) -> int:
        with self._request(method, url, {"Accept-Encoding": "identity"}) as response:
            length = response.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise _RefusedError(
                f"{shown(url)} is served without Content-Length",
                hint="Write sizes into matrix.lock with 'goempy lock' against another source.",
            )
        return int(length)

    @contextlib.contextmanager
    def _request(
        self, method: str, url: str, headers: dict[str, str], body: str = ""
    ) -> Iterator[httpx.Response]:
        with self.client.stream(method, url, headers=headers, content=body or None) as response:
            code = response.status_code
            if code in {404, 410}:
                raise NotFoundError(url)
            if code in _RETRIED:
                raise _RetryableError(f"the server answers {code}", _retry_after(response))
            if code >= 400 and code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise _RefusedError(
                    f"{shown(url)} answers {code} {response.reason_phrase}",
                    hint="Check the address, and whether it requires a login.",
                )
            yield response

    def _retry(self, url: str, attempt: Callable[[], _Result]) -> _Result:
        """Call ``attempt`` until it works, with growing pauses between."""
        retrying = tenacity.Retrying(
            sleep=self.sleep,
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=_pause_s,
            retry=tenacity.retry_if_exception(_is_retryable),
            before_sleep=self._announce,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except (_RetryableError, httpx.HTTPError) as fault:
            attempts = retrying.statistics["attempt_number"]
            tried = "once" if attempts == 1 else f"{attempts} times"
            raise DownloadError(
                f"cannot fetch {shown(url)} (tried {tried}): {_reason(fault)}",
                hint=self._hint(fault),
            ) from fault
        except (UnicodeError, httpx.InvalidURL) as fault:
            # Or an address that a server redirects to.
            raise DownloadError(
                f"cannot fetch {shown(url)}: not the address of a server: {fault}",
                hint="Check the address.",
            ) from fault

    def _hint(self, fault: Exception) -> str:
        if isinstance(fault, httpx.ProxyError):
            return PROXY_HINT
        return lasting_tls_hint(fault) or (
            f"Check the network, and HTTPS_PROXY if a proxy is required. {self.other_source}"
        )

    def _announce(self, state: tenacity.RetryCallState) -> None:
        self.progress.warning(
            f"{_reason(_failure(state))}; attempt {state.attempt_number + 1} of {ATTEMPTS} "
            f"in {state.upcoming_sleep:.1f} s"
        )


def _is_retryable(fault: BaseException) -> bool:
    if isinstance(fault, httpx.UnsupportedProtocol) or lasting_tls_hint(fault):
        return False
    if isinstance(fault, httpx.ProxyError) and (found := _PROXY_STATUS.search(str(fault))):
        return int(found[1]) in _RETRIED
    return isinstance(fault, _RetryableError | httpx.TransportError)


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _reason(fault: BaseException | None) -> str:
    if isinstance(fault, httpx.ConnectError):
        # The system's text for a failed look-up has no name in it.
        return f"no connection to {fault.request.url.host}: {fault}"
    return str(fault) or type(fault).__name__


def _pause_s(state: tenacity.RetryCallState) -> float:
    asked = getattr(_failure(state), "pause_s", None)
    return min(_BACKOFF(state) if asked is None else asked, _LONGEST_PAUSE_S)


def cached_path(cache: Path, name: str, sha256: str) -> Path:
    """Where in ``cache`` an asset is, or would be."""
    return cache / f"{sha256[:16]}-{name}"


def verify_digest(path: Path, asset: Asset) -> None:
    """Raise ``DigestError`` unless the file's size and sha256 are those of ``asset``."""
    _compare(asset, path.stat().st_size, sha256_of(path), where=str(path))


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
            hint="It was neither used nor kept. If the release was rebuilt on purpose, update "
            "matrix.lock with 'goempy lock'; otherwise distrust the source.",
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
    with contextlib.suppress(ValueError, OverflowError):  # a year out of range
        return None if date is None else max(0.0, email.utils.mktime_tz(date) - time.time())
    return None


def shown(url: str) -> str:
    """An address without user and password, for messages."""
    return re.sub(r"^(\w+://)[^/?#]*@", r"\1", url)
