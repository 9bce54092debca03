"""PyGithub's retries, with waits that are announced and limited, and for 429 as well as for 403.

Source: docs.github.com, "Best practices for using the REST API" and "Rate limits for the REST API".
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import urllib3
from github.GithubRetry import DEFAULT_SECONDARY_RATE_WAIT, GithubRetry
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import ProxyError

from pipeline.system.errors import GitHubError
from pipeline.system.network import lasting_tls_hint
from pipeline.system.units import human_seconds

ATTEMPTS = 5
"""How often a request is repeated at most."""
_LONGEST_WAIT_S = 15 * 60.0
_LIMITED = frozenset({403, 429})
_TUNNEL_STATUS = re.compile(r"Tunnel connection failed: (4\d\d) ")
"""In an error of ``http.client``."""


@dataclass(frozen=True, slots=True)
class WaitPolicy:
    """How to wait: ``sleep`` takes seconds, ``say`` a line for the user."""

    sleep: Callable[[float], None]
    say: Callable[[str], None]
    has_token: bool = False

    def wait(self, seconds: float, why: str) -> None:
        """Wait, or raise ``GitHubError`` if that would take longer than a user accepts."""
        if seconds > _LONGEST_WAIT_S:
            end = datetime.fromtimestamp(time.time() + seconds, UTC)
            token = "" if self.has_token else ", or set GITHUB_TOKEN: a token raises the limit"
            raise GitHubError(
                f"{why}: it ends at {end:%Y-%m-%d %H:%M} UTC, in {human_seconds(seconds)}",
                hint=f"Run it again then{token}.",
            )
        if seconds > 0:
            self.say(f"{why}: waiting {seconds:.0f} s")
            self.sleep(seconds)


class Retry(GithubRetry):
    """When to repeat a request: what is repeated does not create anything twice."""

    def __init__(self, wait_policy: WaitPolicy, **settings: Any) -> None:  # noqa: ANN401 - urllib3's own
        """``settings`` are what urllib3 passes to the next attempt."""
        ours: dict[str, Any] = {
            "total": ATTEMPTS,
            "backoff_factor": 1,
            "status_forcelist": [429, *range(500, 600)],
            "allowed_methods": {"GET", "PATCH", "DELETE"},
        }
        super().__init__(**{**ours, **settings})
        self._wait_policy = wait_policy

    def new(self, **changes: Any) -> Self:  # noqa: ANN401 - urllib3's own
        """The state for the next attempt."""
        return super().new(wait_policy=self._wait_policy, **changes)

    def increment(  # type: ignore[override] # urllib3 passes failures by name
        self,
        *request: Any,  # noqa: ANN401 - urllib3's own
        **failure: Any,  # noqa: ANN401 - urllib3's own
    ) -> urllib3.Retry:
        """The state after a failure; raises what no repetition helps against."""
        error = failure.get("error")
        if error and (lasting_tls_hint(error) or _refused_by_proxy(error)):
            raise error
        return super().increment(*request, **failure)

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: FBT001, FBT002 - urllib3's own
        """Whether to repeat: any method after a rate limit, since nothing was done."""
        return status_code in _LIMITED or super().is_retry(method, status_code, has_retry_after)

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait before the next attempt."""
        wait_s, why = self.get_backoff_time(), "the connection to GitHub broke"
        if response is not None:
            limited = response.status in _LIMITED
            why = "GitHub's rate limit" if limited else f"GitHub answers {response.status}"
            if asked_s := self.get_retry_after(response):
                wait_s = asked_s
            elif limited:
                earlier = [each for each in self.history[:-1] if each.status in _LIMITED]
                wait_s = _limit_s(response, len(earlier))
        self._wait_policy.wait(wait_s, why)


def _refused_by_proxy(error: Exception) -> bool:
    """Whether a proxy does not connect, and will not later."""
    reason = str(error.original_error) if isinstance(error, ProxyError) else ""
    found = _TUNNEL_STATUS.search(reason)
    return found is not None and int(found[1]) not in {408, 425, 429}


def _limit_s(response: BaseHTTPResponse, earlier: int) -> float:
    """Seconds until a limit ends; if GitHub does not say, twice as long as the time before.

    ``earlier`` is how often the request has met a limit already.
    """
    reset = response.headers.get("X-RateLimit-Reset", "")
    if response.headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        # It ends at some point within that second.
        return max(0.0, int(reset) - time.time()) + 1
    return float(DEFAULT_SECONDARY_RATE_WAIT) * 2.0**earlier
