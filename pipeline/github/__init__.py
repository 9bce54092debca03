"""GitHub's REST API: the few verbs that are needed, typed. Nothing else calls it.

PyGithub speaks to the API; nothing of it leaves this package, neither its objects nor its
exceptions. Rate limits, server errors and broken connections are waited out in ``connection``.

Sources: docs.github.com, "REST API endpoints for releases", "Rate limits for the REST API" and
"Best practices for using the REST API" (when to come back after a refusal).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from github.GitRelease import GitRelease
from github.GitReleaseAsset import GitReleaseAsset
from github.PaginatedList import PaginatedList

from pipeline.github.connection import Connection, NoApiError, Patience

__all__ = [
    "PUBLIC_API", "Hub", "NoApiError", "Patience", "Place", "Release", "ReleaseAsset", "place_of",
]  # fmt: skip

PUBLIC_API = "https://api.github.com"

_DOWNLOADS = re.compile(r"/(?P<repository>[^/]+/[^/]+)/releases/download/?")
_UPLOADED = "uploaded"
"""The state of a whole asset; one whose upload broke off stays in the list as ``starter``."""


@dataclass(frozen=True, slots=True)
class Place:
    """A repository at one GitHub: the API's ``address`` and ``owner/name``."""

    address: str
    repository: str


@dataclass(frozen=True, slots=True)
class ReleaseAsset:
    """A file of a release; ``sha256`` is ``""`` for what was uploaded before June 2025."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Release:
    """A release with all of its assets, in the order of the API."""

    tag: str
    draft: bool
    prerelease: bool
    assets: tuple[ReleaseAsset, ...]


def place_of(downloads: str) -> Place | None:
    """Where the API of a release download address is, or ``None`` where there can be none.

    ``https://github.com/<owner>/<name>/releases/download`` belongs to api.github.com; the same
    path at another host belongs to ``<host>/api/v3``, as GitHub Enterprise Server has it.
    """
    parts = urlsplit(downloads)
    match = _DOWNLOADS.fullmatch(parts.path)
    if match is None:
        return None
    public = parts.hostname in {"github.com", "www.github.com"}
    address = PUBLIC_API if public else f"{parts.scheme}://{parts.netloc}/api/v3"
    return Place(address, match["repository"])


class Hub:
    """One GitHub, by its API's ``address``; a context manager that closes its connections.

    Every verb raises ``GitHubError``, and ``AssetNotFoundError`` for what does not exist.
    """

    def __init__(
        self, address: str, token: str, patience: Patience, *, certificates: str = ""
    ) -> None:
        """``token`` and ``certificates`` are ``""`` for none; see ``Connection``."""
        self._connection = Connection(address, token, patience, certificates)
        self._github = self._connection.github

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def release(self, repository: str, tag: str) -> Release:
        """The release of ``tag``; drafts have no tag yet and are not found."""
        return self._connection.read(
            f"release {tag} of {repository}",
            lambda: self._whole(repository, self._github.get_repo(repository).get_release(tag)),
        )

    def latest_release(self, repository: str) -> Release:
        """The release that GitHub calls the latest: neither a draft nor a prerelease."""
        return self._connection.read(
            f"latest release of {repository}",
            lambda: self._whole(
                repository, self._github.get_repo(repository).get_latest_release().complete()
            ),
        )

    def _whole(self, repository: str, release: GitRelease) -> Release:
        # Into any answer PyGithub fills an id and a tag, from the address that was asked.
        draft: object = release.draft
        if not isinstance(draft, bool):
            raise self._connection.no_api("the answer is no release")
        return Release(
            tag=release.tag_name,
            draft=draft,
            prerelease=release.prerelease,
            assets=tuple(
                ReleaseAsset(asset.name, asset.size, _sha256_of(asset.digest))
                for asset in self._assets(repository, release.id)
                if asset.state == _UPLOADED
            ),
        )

    def _assets(self, repository: str, release_id: int) -> PaginatedList[GitReleaseAsset]:
        """Page after page; the list inside the release itself need not be whole."""
        return PaginatedList(
            GitReleaseAsset,
            self._github.requester,
            f"/repos/{repository}/releases/{release_id}/assets",
            # A GitHub Enterprise of before June 2025 has no digests. PyGithub would ask for each
            # asset once more to find one.
            attributesTransformer=lambda fields: {"digest": None, **fields},
        )


def _sha256_of(digest: str | None) -> str:
    algorithm, _, value = (digest or "").partition(":")
    return value.lower() if algorithm == "sha256" else ""
