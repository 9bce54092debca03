"""GitHub's responses as frozen data; no object of PyGithub leaves this package."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

PUBLIC_API = "https://api.github.com"

_DOWNLOADS = re.compile(r"/(?P<repository>[^/]+/[^/]+)/releases/download/?")


@dataclass(frozen=True, slots=True)
class RepoRef:
    """A repository on one GitHub: the API's ``address`` and ``owner/name``."""

    address: str
    name: str


@dataclass(frozen=True, slots=True)
class ReleaseAsset:
    """A file of a release; ``sha256`` is ``""`` for what was uploaded before June 2025."""

    name: str
    size_bytes: int
    sha256: str
    id: int = 0
    whole: bool = True
    """False if its upload broke off; its name is taken nevertheless."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release; ``assets`` are in the order of the API."""

    tag: str
    draft: bool
    prerelease: bool
    assets: tuple[ReleaseAsset, ...]
    id: int = 0
    """Grows: the lower one is older."""
    page: str = ""
    """The address for people."""
    uploads: str = ""
    """Where to upload assets; its host differs from the API's."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """An open pull request; ``page`` is the address for people."""

    number: int
    title: str
    body: str
    page: str


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue; ``page`` is the address for people."""

    number: int
    title: str
    body: str
    page: str
    open: bool


def repo_from_download_url(downloads: str) -> RepoRef | None:
    """Where the API for a release download address is, ``None`` for other addresses.

    ``https://github.com/<owner>/<name>/releases/download`` belongs to api.github.com, that of
    ``<subdomain>.ghe.com`` to api.<subdomain>.ghe.com; the same path at another host belongs to
    ``<host>/api/v3``, as GitHub Enterprise Server has it.
    """
    parts = urlsplit(downloads)
    match = _DOWNLOADS.fullmatch(parts.path)
    if match is None:
        return None
    address = f"{parts.scheme}://{parts.netloc}/api/v3"
    if parts.hostname in {"github.com", "www.github.com"}:
        address = PUBLIC_API
    elif (parts.hostname or "").endswith(".ghe.com"):
        address = f"https://api.{parts.hostname}"
    return RepoRef(address, match["repository"])
