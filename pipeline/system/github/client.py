"""A connection to GitHub's API: PyGithub, its patience and its exceptions, held in one place.

What asks, changes or deletes may be done again when no answer came; what makes something new may
not, so ``create`` looks first whether it was made.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

import requests
from github import (
    Auth,
    BadAttributeException,
    Github,
    GithubException,
    UnknownObjectException,
    set_log_level,
)
from urllib3.exceptions import MaxRetryError

from pipeline.system.errors import AssetNotFoundError, GitHubError
from pipeline.system.github.retry import Patience, Pauses, Retry

PAGE = 100
"""Items a page, the most that GitHub gives."""

_ATTEMPTS = 5
_TIMEOUT_S = 60
# PyGithub prints what it logs: its import puts a handler on standard error.
set_log_level(logging.CRITICAL + 1)

_Result = TypeVar("_Result")


class NoApiError(GitHubError):
    """What answers at the address is not GitHub's API."""


class InvalidError(GitHubError):
    """GitHub understands what is wanted and does not do it (422).

    ``taken`` is set where something of that name is in the way.
    """

    taken: bool = False


class Connection:
    """PyGithub for one address, with failures as this package's errors.

    ``token`` is ``""`` for nobody in particular, ``certificates`` a file or folder of
    authorities to trust in place of the usual ones, or ``""``.
    """

    def __init__(self, address: str, token: str, patience: Patience, certificates: str) -> None:
        self.address = address
        self._token = token
        self._signed_in = bool(token)
        self._certificates = certificates
        self._pauses = Pauses(patience, signed_in=self._signed_in)
        self.github = self._client(address)
        self._others: dict[str, Github] = {}

    def _client(self, address: str) -> Github:
        return Github(
            auth=Auth.Token(self._token) if self._token else None,
            base_url=address,
            retry=Retry(self._pauses, _ATTEMPTS),
            timeout=_TIMEOUT_S,
            verify=self._certificates or True,
            per_page=PAGE,
            user_agent="goempy",
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
        )

    def close(self) -> None:
        """Let go of the sockets."""
        for each in (self.github, *self._others.values()):
            each.close()

    def at(self, address: str) -> tuple[Github, str]:
        """Who to ask for an ``address`` that GitHub told, and for which path.

        Uploads have a host of their own. PyGithub would go there without the settings of this
        connection. Raises ``NoApiError`` for hosts that are not of the same GitHub: the token
        would go there.
        """
        home, there = urlsplit(self.address), urlsplit(address)
        domain = (home.hostname or "").removeprefix("api.")
        same = (there.hostname, _port(there)) == (home.hostname, _port(home))
        beside = (there.hostname or "").endswith(f".{domain}")
        if not (same or beside) or (home.scheme, there.scheme) == ("https", "http"):
            raise self.no_api(f"it leads to {there.scheme}://{there.netloc}")
        base = f"{there.scheme}://{there.netloc}"
        if base not in self._others:
            self._others[base] = self._client(base)
        return self._others[base], there.path

    def read(self, what: str, ask: Callable[[], _Result]) -> _Result:
        """Ask for something that may be asked for again, should an answer break off."""
        return self._repeat(what, ask)

    def change(self, what: str, change: Callable[[], _Result]) -> _Result:
        """Change or delete something; done twice it must be the same."""

        def paced() -> _Result:
            with self._pauses.paced():
                return change()

        return self._repeat(what, paced)

    def create(
        self, what: str, make: Callable[[], _Result], find: Callable[[], _Result | None]
    ) -> _Result:
        """Make something new, once.

        ``find`` looks for it: when no answer tells whether it was made, and when GitHub says that
        there is one already. Where it finds nothing, it is made again.
        """
        for left in reversed(range(_ATTEMPTS)):
            try:
                with self.failures(what), self._pauses.paced():
                    return make()
            except (UnknownOutcomeError, InvalidError) as fault:
                found = find()
                if found is not None:
                    return found
                if not left or (isinstance(fault, InvalidError) and not fault.taken):
                    raise
                self._pauses.take(_pause_s(left), fault.what)
        raise AssertionError("the last attempt returns or raises")

    def _repeat(self, what: str, act: Callable[[], _Result]) -> _Result:
        for left in reversed(range(_ATTEMPTS)):
            try:
                with self.failures(what):
                    return act()
            except UnknownOutcomeError as fault:
                if not left:
                    raise
                self._pauses.take(_pause_s(left), fault.what)
        raise AssertionError("the last attempt returns or raises")

    @contextlib.contextmanager
    def failures(self, what: str) -> Iterator[None]:
        """Turn what PyGithub and the libraries below it raise into this package's errors."""
        try:
            yield
        except UnknownObjectException as missing:
            hint = "" if self._signed_in else " Private repositories need a token (GITHUB_TOKEN)."
            raise AssetNotFoundError(
                f"{self.address} has no {what}", hint=f"Check the names.{hint}"
            ) from missing
        except GithubException as refused:
            raise self._refused(what, refused) from refused
        except OSError as broken:
            kind = UnknownOutcomeError if _may_come_back(broken) else GitHubError
            raise kind(
                f"cannot ask {self.address} for the {what}: {_reason(broken)}",
                hint="Check the network and the proxy's settings, or try again later.",
            ) from broken
        except _ODD_ANSWERS as odd:
            raise self.no_api(str(odd) or type(odd).__name__) from odd

    def _refused(self, what: str, fault: GithubException) -> GitHubError:
        if fault.status == requests.codes.not_found:
            return self.no_api(f"the {what} is not there, and nothing says so as GitHub does")
        told, reasons, taken = _told(fault.data)
        hint = "Check githubstatus.com, or try again later."
        if fault.status in {401, 403}:
            hint = (
                "Check GITHUB_TOKEN (or GH_TOKEN): it may be expired, or lack a permission."
                if self._signed_in
                else "Set GITHUB_TOKEN to a token that may read it."
            )
        kind = GitHubError
        if fault.status == requests.codes.unprocessable_entity:
            kind, hint = InvalidError, "Look at it on GitHub: something there is in the way."
        elif fault.status >= 500:
            kind = UnknownOutcomeError
        refusal = kind(
            f"{self.address} refuses the {what}: {' '.join([str(fault.status), told]).strip()}",
            details=reasons,
            hint=hint,
        )
        if isinstance(refusal, InvalidError):
            refusal.taken = taken
        return refusal

    def no_api(self, why: str) -> NoApiError:
        """The error for answers that GitHub would not give."""
        return NoApiError(
            f"{self.address} does not answer as GitHub's API does: {why}",
            hint="Check the address of the source, and the proxies on the way to it.",
        )


_ODD_ANSWERS = (
    AssertionError, AttributeError, BadAttributeException, LookupError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What PyGithub lets through when an answer is not of GitHub's shape or leads elsewhere."""


class UnknownOutcomeError(GitHubError):
    """No answer, or half of one: whether anything was done is not known."""


def _may_come_back(fault: OSError) -> bool:
    """Whether an answer broke off; what failed before it began was tried again already."""
    exhausted = bool(fault.args) and isinstance(fault.args[0], MaxRetryError)
    broken = isinstance(
        fault,
        requests.ConnectionError
        | requests.exceptions.ChunkedEncodingError
        | requests.exceptions.ReadTimeout,
    )
    return broken and not exhausted


def _port(address: SplitResult) -> int:
    return address.port or (443 if address.scheme == "https" else 80)


def _pause_s(left: int) -> float:
    """The pause before the next attempt, of which so many are left."""
    return 2.0 ** (_ATTEMPTS - 1 - left)


def _told(data: object) -> tuple[str, list[str], bool]:
    """What a refusal says: its message, its reasons, and whether a name is taken.

    Source: docs.github.com, "Troubleshooting the REST API", "Validation Failed".
    """
    if not isinstance(data, dict):
        return "", [], False
    errors = data.get("errors")
    rows = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    reasons = [
        str(
            row.get("message")
            or " ".join(str(row.get(k, "")) for k in ("resource", "field", "code"))
        )
        for row in rows
    ]
    taken = any(row.get("code") == "already_exists" for row in rows)
    return str(data.get("message") or ""), reasons, taken


def _reason(fault: OSError) -> str:
    """The cause in the middle of requests' long texts."""
    inner = fault.args[0] if fault.args else fault
    cause = inner.reason if isinstance(inner, MaxRetryError) else inner
    return str(cause) or type(fault).__name__
