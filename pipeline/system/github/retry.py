"""How long to wait for GitHub: between writes, for a limit's end, and before another attempt.

Source: docs.github.com, "Best practices for using the REST API" and "Rate limits for the REST
API".
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import requests
from github.GithubRetry import GithubRetry
from urllib3 import BaseHTTPResponse

from pipeline.system.errors import GitHubError
from pipeline.system.units import human_seconds

LONGEST_PAUSE_S = 15 * 60.0
"""Who has to wait longer for a rate limit's end is told so instead."""
_BETWEEN_WRITES_S = 1.0
"""GitHub takes 80 writes a minute, and asks for a second between two."""
_REPEATABLE = frozenset({"GET", "PATCH", "DELETE"})
"""Methods that, done twice, do what they do once; a refusal for a limit did nothing at all."""
_WITHOUT_A_TIME_S = 60.0
"""What GitHub asks for where a refusal names no time: "wait for at least one minute"."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How to wait: ``sleep`` and ``clock`` in seconds; ``say`` is told of each longer pause."""

    sleep: Callable[[float], None]
    say: Callable[[str], None]
    clock: Callable[[], float] = time.time


class Pauses:
    """Waits, and says so once."""

    def __init__(self, patience: Patience, *, signed_in: bool) -> None:
        self._patience = patience
        self._signed_in = signed_in
        self._next_write_s = 0.0

    @contextlib.contextmanager
    def paced(self) -> Iterator[None]:
        """Hold a write back until its turn."""
        wait_s = min(self._next_write_s - self._patience.clock(), _BETWEEN_WRITES_S)
        if wait_s > 0:
            self._patience.sleep(wait_s)
        try:
            yield
        finally:
            self._next_write_s = self._patience.clock() + _BETWEEN_WRITES_S

    def until(self, moment_s: float) -> float:
        """Seconds from now to a moment of the Unix epoch."""
        return max(0.0, moment_s - self._patience.clock())

    def take(self, seconds: float, why: str) -> None:
        """Wait; raises ``GitHubError`` in place of a pause that nobody would sit out."""
        if seconds > LONGEST_PAUSE_S:
            end = datetime.fromtimestamp(self._patience.clock() + seconds, UTC)
            raise GitHubError(
                f"{why}: it ends at {end:%Y-%m-%d %H:%M} UTC, in {human_seconds(seconds)}",
                hint="Run it again then."
                if self._signed_in
                else "Run it again then, or set GITHUB_TOKEN: a token raises the limit.",
            )
        if seconds > 0:
            self._patience.say(f"{why}: waiting {seconds:.0f} s")
            self._patience.sleep(seconds)


class Retry(GithubRetry):
    """PyGithub's rules for when to come back, with pauses that are told and can be tested."""

    def __init__(self, pauses: Pauses, total: int, **settings: Any) -> None:  # noqa: ANN401 - urllib3's own
        """``total`` is how often to come back; urllib3 passes ``settings`` to successors."""
        ours: dict[str, Any] = {
            "backoff_factor": 1,
            "secondary_rate_wait": _WITHOUT_A_TIME_S,
            "status_forcelist": [429, *range(500, 600)],
            "allowed_methods": _REPEATABLE,
        }
        super().__init__(total=total, **{**ours, **settings})
        self._pauses = pauses

    def new(self, **changes: Any) -> Self:  # noqa: ANN401 - urllib3's own
        """A successor with one attempt less."""
        return super().new(pauses=self._pauses, **changes)

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: FBT001, FBT002 - urllib3's own
        """Whether to come back: after a limit always, as nothing was done."""
        limited = status_code in {requests.codes.forbidden, requests.codes.too_many_requests}
        return limited or super().is_retry(method, status_code, has_retry_after)

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
