"""GitHub's REST API, as far as it is needed. Nothing else calls it.

It is called by PyGithub, whose objects and exceptions do not leave this package.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pipeline.system.github.client import GitHubClient, NoApiError
from pipeline.system.github.models import PullRequest, Release, ReleaseAsset, RepoRef
from pipeline.system.github.pull_requests import Pulls
from pipeline.system.github.releases import Releases
from pipeline.system.github.retry import Patience

__all__ = [
    "PUBLIC_API",
    "GitHubClient",
    "NoApiError",
    "Patience",
    "PullRequest",
    "Pulls",
    "Release",
    "ReleaseAsset",
    "Releases",
    "RepoRef",
    "repo_from_download_url",
]  # fmt: skip

PUBLIC_API = "https://api.github.com"

_DOWNLOADS = re.compile(r"/(?P<repository>[^/]+/[^/]+)/releases/download/?")


def repo_from_download_url(downloads: str) -> RepoRef | None:
    """Where the API for a release download address is, ``None`` for other addresses.

    ``https://github.com/<owner>/<name>/releases/download`` belongs to api.github.com; the same
    path at another host belongs to ``<host>/api/v3``, as GitHub Enterprise Server has it.
    """
    parts = urlsplit(downloads)
    match = _DOWNLOADS.fullmatch(parts.path)
    if match is None:
        return None
    public = parts.hostname in {"github.com", "www.github.com"}
    address = PUBLIC_API if public else f"{parts.scheme}://{parts.netloc}/api/v3"
    return RepoRef(address, match["repository"])
