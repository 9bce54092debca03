"""The repository on GitHub that a command works on, as GitHub Actions names it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.system.errors import UsageError
from pipeline.system.github.models import PUBLIC_API
from pipeline.system.network import unusable_certificates

if TYPE_CHECKING:
    from pipeline.system.github.client import GitHubClient
    from pipeline.system.github.retry import WaitPolicy

_VARIABLE = "GITHUB_REPOSITORY"
_TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
_API = "GITHUB_API_URL"
"""Set by GitHub Actions: the API of the GitHub that made the token."""
_NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_ADDRESS = re.compile(r"https?://[^/\s]+")


@dataclass(frozen=True, slots=True)
class GitHubRepository:
    """A repository that may be written to: its GitHub, and ``owner/name`` there."""

    client: GitHubClient
    name: str


def repository_of(env: Mapping[str, str]) -> str:
    """``owner/name``, ``""`` outside of GitHub Actions; raises ``UsageError`` for other texts."""
    name = env.get(_VARIABLE, "").strip()
    if name and not _NAME.fullmatch(name):
        raise UsageError(
            f"{_VARIABLE} is {name!r}", hint="Set it to owner/name, such as me/goempy."
        )
    return name


def token_of(env: Mapping[str, str]) -> str:
    """The token for GitHub's API, ``""`` if there is none."""
    return next((token for name in _TOKENS if (token := env.get(name, "").strip())), "")


def connect(env: Mapping[str, str], wait_policy: WaitPolicy, address: str = "") -> GitHubClient:
    """A client of the API at ``address``, by default that of GITHUB_API_URL.

    The token goes only to the GitHub that made it. Raises ``UsageError`` if GITHUB_API_URL is no
    address, and ``DownloadError`` if the proxy or the certificates of the environment are unusable.
    """
    # PyGithub is imported only when it is used.
    from pipeline.system.github.client import GitHubClient  # noqa: PLC0415

    home = env.get(_API, "") or PUBLIC_API
    if not _ADDRESS.match(home):
        raise UsageError(f"{_API} is {home!r}", hint=f"Set it to an address such as {PUBLIC_API}.")
    address = address or home
    at_home = address.rstrip("/") == home.rstrip("/")
    certificates = _certificates(env)
    token = token_of(env) if at_home else ""
    return GitHubClient(address, token, wait_policy, certificates=certificates)


def _certificates(env: Mapping[str, str]) -> str:
    """The file or folder of certificates to trust, as httpx finds it; requests has other variables.

    Raises ``DownloadError`` if it cannot be found.
    """
    folders = env.get("SSL_CERT_DIR", "").split(os.pathsep)
    found = env.get("SSL_CERT_FILE", "") or next(filter(os.path.isdir, folders), folders[0])
    try:
        if found:
            Path(found).stat()
    except OSError as fault:
        raise unusable_certificates(fault) from fault
    return found


def github_repository(
    env: Mapping[str, str], connect: Callable[[], GitHubClient], permissions: str
) -> GitHubRepository:
    """The repository that ``env`` names, by the name that it has now.

    Raises ``UsageError`` where it or a token is not set, and ``GitHubError``.
    ``permissions`` are those that the token needs.
    """
    faults = []
    if not (name := repository_of(env)):
        faults.append(f"{_VARIABLE} is not set: owner/name, such as me/goempy")
    if not token_of(env):
        faults.append(f"{_TOKENS[0]} is not set: a token with {permissions}")
    if faults:
        raise UsageError(
            f"set {_VARIABLE} and {_TOKENS[0]}",
            details=faults,
            hint="In a workflow pass the token in the step's env; GitHub Actions sets the rest.",
        )
    client = connect()
    return GitHubRepository(client, client.repository_name(name))
