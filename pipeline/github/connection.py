"""A connection to GitHub's API: PyGithub, its patience and its exceptions, held in one place."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

import requests
from github import (
    Auth,
    BadAttributeException,
    Github,
    GithubException,
    UnknownObjectException,
    set_log_level,
)
from github.GithubRetry import GithubRetry
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import MaxRetryError

from pipeline.errors import AssetNotFoundError, GitHubError
from pipeline.report import human_seconds

LONGEST_PAUSE_S = 15 * 60.0
"""Who has to wait longer for a rate limit's end is told so instead."""
PAGE = 100
"""Items a page, the most that GitHub gives."""

_ATTEMPTS = 5
_TIMEOUT_S = 60
_WITHOUT_A_TIME_S = 60.0
"""What GitHub asks for where a refusal names no time: "wait for at least one minute"."""

# PyGithub prints what it logs: its import puts a handler on standard error.
set_log_level(logging.CRITICAL + 1)

_Result = TypeVar("_Result")


class NoApiError(GitHubError):
    """What answers at the address is not GitHub's API."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How to wait: ``sleep`` and ``clock`` in seconds; ``say`` is told of each longer pause."""

    sleep: Callable[[float], None]
    say: Callable[[str], None]
    clock: Callable[[], float] = time.time


class Connection:
    """PyGithub for one address, with failures as this package's errors.

    ``token`` is ``""`` for nobody in particular, ``certificates`` a file or folder of
    authorities to trust in place of the usual ones, or ``""``.
    """

    def __init__(self, address: str, token: str, patience: Patience, certificates: str) -> None:
        self.address = address
        self._signed_in = bool(token)
        self._pauses = _Pauses(patience, signed_in=self._signed_in)
        self.github = Github(
            auth=Auth.Token(token) if token else None,
            base_url=address,
            retry=_Retry(
                self._pauses,
                total=_ATTEMPTS,
                backoff_factor=1,
                secondary_rate_wait=_WITHOUT_A_TIME_S,
                status_forcelist=[429, *range(500, 600)],
            ),
            timeout=_TIMEOUT_S,
            verify=certificates or True,
            per_page=PAGE,
            user_agent="goempy",
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
        )

    def close(self) -> None:
        """Let go of the sockets."""
        self.github.close()

    def read(self, what: str, ask: Callable[[], _Result]) -> _Result:
        """Ask for something that may be asked for again, should an answer break off."""
        for left in reversed(range(_ATTEMPTS)):
            try:
                with self.failures(what):
                    return ask()
            except _BrokenOffError as fault:
                if not left:
                    raise
                self._pauses.take(2.0 ** (_ATTEMPTS - 1 - left), fault.what)
        raise AssertionError("the last attempt returns or raises")

    @contextlib.contextmanager
    def failures(self, what: str) -> Iterator[None]:
        """Turn what PyGithub and the libraries below it raise into this package's errors."""
        try:
            yield
        except UnknownObjectException as missing:
            hint = "" if self._signed_in else " Private repositories need a token (GITHUB_TOKEN)."
            raise AssetNotFoundError(
                f"{self.address} has no {what}", remedy=f"Check the names.{hint}"
            ) from missing
        except GithubException as refused:
            raise self._refused(what, refused) from refused
        except OSError as broken:
            kind = _BrokenOffError if _may_come_back(broken) else GitHubError
            raise kind(
                f"cannot ask {self.address} for the {what}: {_reason(broken)}",
                remedy="Check the network and the proxy's settings, or try again later.",
            ) from broken
        except _ODD_ANSWERS as odd:
            raise self.no_api(str(odd) or type(odd).__name__) from odd

    def _refused(self, what: str, fault: GithubException) -> GitHubError:
        if fault.status == requests.codes.not_found:
            return self.no_api(f"the {what} is not there, and nothing says so as GitHub does")
        told = fault.data.get("message", "") if isinstance(fault.data, dict) else ""
        remedy = "Check githubstatus.com, or try again later."
        if fault.status in {401, 403}:
            remedy = (
                "Check GITHUB_TOKEN (or GH_TOKEN): it may be expired, or lack a permission."
                if self._signed_in
                else "Set GITHUB_TOKEN to a token that may read it."
            )
        return GitHubError(
            f"{self.address} refuses the {what}: {' '.join([str(fault.status), told]).strip()}",
            remedy=remedy,
        )

    def no_api(self, why: str) -> NoApiError:
        """The error for answers that GitHub would not give."""
        return NoApiError(
            f"{self.address} does not answer as GitHub's API does: {why}",
            remedy="Check the address of the source, and the proxies on the way to it.",
        )


_ODD_ANSWERS = (
    AssertionError, AttributeError, BadAttributeException, LookupError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What PyGithub lets through when an answer is not of GitHub's shape or leads elsewhere."""


class _BrokenOffError(GitHubError):
    """The connection broke within an answer."""


class _Pauses:
    """Waits, and says so once."""

    def __init__(self, patience: Patience, *, signed_in: bool) -> None:
        self._patience = patience
        self._signed_in = signed_in

    def until(self, moment_s: float) -> float:
        """Seconds from now to a moment of the Unix epoch."""
        return max(0.0, moment_s - self._patience.clock())

    def take(self, seconds: float, why: str) -> None:
        """Wait; raises ``GitHubError`` in place of a pause that nobody would sit out."""
        if seconds > LONGEST_PAUSE_S:
            end = datetime.fromtimestamp(self._patience.clock() + seconds, UTC)
            raise GitHubError(
                f"{why}: it ends at {end:%Y-%m-%d %H:%M} UTC, in {human_seconds(seconds)}",
                remedy="Run it again then."
                if self._signed_in
                else "Run it again then, or set GITHUB_TOKEN: a token raises the limit.",
            )
        if seconds > 0:
            self._patience.say(f"{why}: waiting {seconds:.0f} s")
            self._patience.sleep(seconds)


class _Retry(GithubRetry):
    """PyGithub's rules for when to come back, with pauses that are told and can be tested."""

    def __init__(self, pauses: _Pauses, **settings: Any) -> None:  # noqa: ANN401 - urllib3's own
        super().__init__(**settings)
        self._pauses = pauses

    def new(self, **changes: Any) -> Self:  # noqa: ANN401 - urllib3's own
        """A successor with one attempt less."""
        return super().new(pauses=self._pauses, **changes)

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait before the next attempt."""
        if response is None:
            self._pauses.take(self.get_backoff_time(), "the connection to GitHub broke")
        elif response.status in {403, 429}:
            self._pauses.take(self._limit_s(response), "GitHub's rate limit")
        else:
            pause_s = self.get_retry_after(response) or self.get_backoff_time()
            self._pauses.take(pause_s, f"GitHub answers {response.status}")

    def _limit_s(self, response: BaseHTTPResponse) -> float:
        """Seconds until a rate limit ends. GithubRetry knows those told with 403 alone."""
        asked = self.get_retry_after(response)
        if asked is not None or response.status == requests.codes.forbidden:
            return asked or self.get_backoff_time()
        reset = response.headers.get("X-RateLimit-Reset", "")
        if response.headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
            # The limit ends somewhere within that second.
            return self._pauses.until(int(reset)) + 1
        return _WITHOUT_A_TIME_S


def _may_come_back(fault: OSError) -> bool:
    """Whether an answer broke off; what failed before it began was tried again already."""
    exhausted = bool(fault.args) and isinstance(fault.args[0], MaxRetryError)
    broken = isinstance(fault, requests.ConnectionError | requests.exceptions.ChunkedEncodingError)
    return broken and not exhausted


def _reason(fault: OSError) -> str:
    """The cause in the middle of requests' long texts."""
    inner = fault.args[0] if fault.args else fault
    cause = inner.reason if isinstance(inner, MaxRetryError) else inner
    return str(cause) or type(fault).__name__
