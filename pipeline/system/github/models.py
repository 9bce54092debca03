"""GitHub's responses as frozen data; no object of PyGithub leaves this package."""

from __future__ import annotations

from dataclasses import dataclass


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
