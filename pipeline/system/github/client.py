"""GitHub's API by PyGithub, with its exceptions as this package's errors.

Requests that read, change or delete are repeated if the response is lost. One that creates is
repeated only after a look whether it was carried out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import re
from collections.abc import Callable, Iterator
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

import requests
from github import (
    Auth,
    BadAttributeException,
    Consts,
    Github,
    GithubException,
    UnknownObjectException,
    set_log_level,
)
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NewConnectionError,
    ProxyError,
)

from pipeline.system.errors import AssetNotFoundError, DownloadError, GitHubError, PipelineError
from pipeline.system.github.retry import ATTEMPTS, Retry, WaitPolicy
from pipeline.system.network import PROXY_HINT, lasting_tls_hint, parse_proxy

_PAGE = 100
"""Items a page, the most that GitHub gives."""
_TIMEOUT_S = 60
_LIMITED_HOSTS = (".github.com", ".ghe.com")
# PyGithub's import adds a log handler on standard error.
set_log_level(logging.CRITICAL + 1)

_Result = TypeVar("_Result")


class NoApiError(GitHubError):
    """The address is not that of a GitHub API."""


class InvalidError(GitHubError):
    """GitHub refuses a valid request (422)."""


class AlreadyExistsError(InvalidError):
    """The name is used already."""


class PullRequestsForbiddenError(GitHubError):
    """The repository's settings keep its workflows from opening pull requests."""


class UnknownOutcomeError(GitHubError):
    """The response was lost: whether the request was carried out is unknown."""


class GitHubClient:
    """One GitHub, by its API's ``address``.

    ``token`` is ``""`` for anonymous requests; ``certificates`` is a file or folder of authorities
    to trust in place of the default ones, or ``""``.
    """

    def __init__(
        self, address: str, token: str, wait_policy: WaitPolicy, *, certificates: str = ""
    ) -> None:
        self.address = address
        self._token = token
        self._certificates = certificates
        self._wait_policy = dataclasses.replace(wait_policy, has_token=bool(token))
        self.github = self._client(address)
        self._others: dict[str, Github] = {}

    def _client(self, address: str) -> Github:
        host = urlsplit(address).hostname or ""
        # requests shows the address, and so a password, in its error.
        if proxy := select_proxy(address, get_environ_proxies(address)):
            parse_proxy("HTTPS_PROXY or ALL_PROXY", proxy)
        # GitHub asks for pauses between requests. GitHub Enterprise Server has rate limits only if
        # its administrator turned them on ("Rate limits for the REST API").
        paced = f".{host}".endswith(_LIMITED_HOSTS)
        return Github(
            auth=Auth.Token(self._token) if self._token else None,
            base_url=address,
            retry=Retry(self._wait_policy),
            timeout=_TIMEOUT_S,
            verify=self._certificates or True,
            per_page=_PAGE,
            user_agent="goempy",
            seconds_between_requests=Consts.DEFAULT_SECONDS_BETWEEN_REQUESTS if paced else None,
            seconds_between_writes=Consts.DEFAULT_SECONDS_BETWEEN_WRITES if paced else None,
            lazy=True,
        )

    def close(self) -> None:
        """Close the sockets."""
        for each in (self.github, *self._others.values()):
            each.close()

    def at(self, address: str) -> tuple[Github, str]:
        """The client and the path for an ``address`` from a response, such as that of uploads.

        PyGithub would connect to another host without this client's settings. Raises
        ``NoApiError`` for a host that does not belong to this GitHub: it would get the token.
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

    def call(
        self,
        what: str,
        act: Callable[[], _Result],
        find: Callable[[], _Result | None] | None = None,
        *,
        permission: str = "",
    ) -> _Result:
        """Make a request, and repeat it if the response is lost; raises ``GitHubError``.

        One that creates something needs ``find``, which looks for it when the response is lost or
        GitHub refuses. Raises ``AssetNotFoundError`` for what does not exist; to a token without
        the ``permission`` that a write needs, GitHub says the same.
        """
        for attempt in range(ATTEMPTS):
            try:
                with self._failures(what, permission):
                    return act()
            except (UnknownOutcomeError, InvalidError) as fault:
                if find is not None and (found := find()) is not None:
                    return found
                repeatable = UnknownOutcomeError if find is None else _REPEATABLE
                if attempt == ATTEMPTS - 1 or not isinstance(fault, repeatable):
                    raise
                self._wait_policy.wait(2.0**attempt, fault.what)
        raise AssertionError("the last attempt returns or raises")

    def repository_name(self, name: str) -> str:
        """What the repository is called now: reads follow a renamed one, writes do not."""
        return self.call(
            f"repository {name}", lambda: self.github.get_repo(name).complete().full_name
        )

    def delete(self, path: str, what: str, *, permission: str) -> None:
        """Delete something; raises ``AssetNotFoundError`` if it does not exist."""
        requester = self.github.requester
        self.call(
            what, lambda: requester.requestJsonAndCheck("DELETE", path), permission=permission
        )

    @contextlib.contextmanager
    def _failures(self, what: str, permission: str) -> Iterator[None]:
        """Convert exceptions of PyGithub and the libraries below it."""
        try:
            yield
        except UnknownObjectException as missing:
            hint = "Check the names."
            if permission:
                hint += f" Or the token may not write there: it needs '{permission}'."
            elif not self._token:
                hint += " Private repositories need a token (GITHUB_TOKEN)."
            raise AssetNotFoundError(f"{self.address} has no {what}", hint=hint) from missing
        except GithubException as refused:
            raise self._refused(what, refused) from refused
        except OSError as broken:
            raise _network_error(broken)(
                f"cannot ask {self.address} for the {what}: {_reason(broken)}",
                hint=_network_hint(broken),
            ) from broken
        except _ODD_RESPONSES as odd:
            raise self.no_api(str(odd) or type(odd).__name__) from odd

    def _refused(self, what: str, fault: GithubException) -> GitHubError:
        if fault.status == requests.codes.not_found:
            return self.no_api(f"the {what} is missing, by a response that is not GitHub's")
        message, reasons, taken = _parse_refusal(fault.data)
        kind, hint = GitHubError, "Check githubstatus.com, or try again later."
        if fault.status == requests.codes.forbidden and message.startswith(_NO_PULL_REQUESTS):
            kind = PullRequestsForbiddenError
            hint = (
                "Allow it in the settings of the repository, and of its organization: Actions, "
                "General, 'Allow GitHub Actions to create and approve pull requests'."
            )
        elif fault.status in {401, 403}:
            hint = "Set GITHUB_TOKEN to a token that may read it."
            if self._token:
                hint = "Check GITHUB_TOKEN (or GH_TOKEN): it may be expired, or lack a permission."
        elif fault.status == requests.codes.unprocessable_entity:
            kind = AlreadyExistsError if taken else InvalidError
            hint = _hint_for(" ".join([message, *reasons]), taken=taken)
        elif fault.status >= 500:
            kind = UnknownOutcomeError
        text = f"{fault.status} {message}".strip()
        return kind(f"{self.address} refuses the {what}: {text}", details=reasons, hint=hint)

    def no_api(self, why: str) -> NoApiError:
        """The error for a response that GitHub would not give."""
        return NoApiError(
            f"{self.address} does not answer as GitHub's API does: {why}",
            hint="Check the address of the source, and the proxies on the way to it.",
        )


_NO_PULL_REQUESTS = "GitHub Actions is not permitted to create or approve pull requests"
_REPEATABLE = (UnknownOutcomeError, AlreadyExistsError)
_ODD_RESPONSES = (
    AssertionError, AttributeError, BadAttributeException, LookupError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What PyGithub raises for a response without GitHub's fields or with a foreign address."""


def _network_error(fault: OSError) -> type[PipelineError]:
    """Which error it is; urllib3 has already repeated what failed before there was a connection."""
    errors = (
        requests.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        requests.ReadTimeout,
    )
    exhausted = bool(fault.args) and isinstance(fault.args[0], MaxRetryError)
    no_connection = isinstance(_cause(fault), NewConnectionError | ConnectTimeoutError)
    if no_connection or isinstance(fault, requests.exceptions.ProxyError):
        return DownloadError
    if lasting_tls_hint(fault):
        return DownloadError
    return UnknownOutcomeError if isinstance(fault, errors) and not exhausted else GitHubError


def _network_hint(fault: OSError) -> str:
    if isinstance(fault, requests.exceptions.ProxyError):
        return PROXY_HINT
    return lasting_tls_hint(fault) or (
        "Check the network, and HTTPS_PROXY if a proxy is required, or try again later."
    )


def _port(address: SplitResult) -> int:
    return address.port or (443 if address.scheme == "https" else 80)


def _parse_refusal(data: object) -> tuple[str, list[str], bool]:
    """The message of a refusal, its reasons, and whether a name is taken.

    Source: docs.github.com, "Troubleshooting the REST API", "Validation Failed".
    """
    if not isinstance(data, dict):
        return "", [], False
    errors = data.get("errors")
    rows = errors if isinstance(errors, list) else []
    taken = any(isinstance(row, dict) and row.get("code") == "already_exists" for row in rows)
    return str(data.get("message") or ""), [_parse_reason(row) for row in rows], taken


def _parse_reason(row: object) -> str:
    """An entry of ``errors``: fields, or a text."""
    if not isinstance(row, dict):
        return str(row)
    fields = " ".join(str(row.get(key, "")) for key in ("resource", "field", "code"))
    return str(row.get("message") or fields)


def _hint_for(text: str, *, taken: bool) -> str:
    """What to do about a 422, by GitHub's words."""
    if "too long" in text:
        return "Shorten the text that is sent."
    if "immutable" in text:
        return (
            "An immutable release stays as it is, and the name of its tag is used up even if it is "
            "deleted: raise VERSION."
        )
    if taken or "already exists" in text:
        return "Something of this name exists: look at it on GitHub, then delete it or leave it."
    return "Check on GitHub what conflicts with it."


def _reason(fault: OSError) -> str:
    text = str(_cause(fault)) or type(fault).__name__
    return re.sub(r"[^\s/'\"]+:[^\s'\"]*@", "", text)  # a proxy's user and password


def _cause(fault: OSError) -> object:
    """What is in the middle of requests' long texts; a proxy's failure has one more around it."""
    inner = fault.args[0] if fault.args else fault
    cause = inner.reason if isinstance(inner, MaxRetryError) else inner
    return cause.original_error if isinstance(cause, ProxyError) else cause
