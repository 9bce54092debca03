"""What a GitHub on loopback knows, and how its endpoints see a request and answer.

It knows releases, files and pull requests; branches and tags are in git repositories.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tests.builders.pbs_listing import sha256_of, size_of
from tests.fakes.github.faults import Fault
from tests.harness.project import git

API = "/api/v3"
UPLOADS = "/api/uploads"
PBS = "astral-sh/python-build-standalone"
REPOSITORY_ID = 162334160
_MOST_A_PAGE = 100


@dataclass
class Asset:
    name: str
    size: int
    digest: str | None
    state: str = "uploaded"
    id: int = 0
    data: bytes = b""


@dataclass
class Release:
    id: int
    tag: str
    draft: bool = False
    prerelease: bool = False
    assets: list[Asset] = field(default_factory=list)
    title: str = ""
    body: str = ""


@dataclass
class Pull:
    number: int
    head: str
    base: str
    title: str
    body: str
    state: str = "open"
    comments: list[str] = field(default_factory=list)


@dataclass
class Issue:
    """``kind`` is ``pull`` for what GitHub lists as an issue, too."""

    number: int
    title: str
    body: str
    labels: list[str]
    state: str = "open"
    kind: str = "issues"


@dataclass(frozen=True)
class RecordedRequest:
    """One request, with its Authorization header as it was sent."""

    method: str
    path: str
    query: str
    authorization: str | None


@dataclass
class GitHub:
    """``releases`` by repository; ``faults`` are taken from a queue, one a request.

    A queue is named by a path, or by a method and a path such as ``POST /api/v3/...``.
    """

    address: str
    releases: dict[str, list[Release]] = field(default_factory=lambda: defaultdict(list))
    pulls: dict[str, list[Pull]] = field(default_factory=lambda: defaultdict(list))
    issues: dict[str, list[Issue]] = field(default_factory=lambda: defaultdict(list))
    renamed: dict[str, str] = field(default_factory=dict)
    """New names of repositories, by the ones that they had."""
    bare: dict[str, Path] = field(default_factory=dict)
    """Where the git repositories are, by ``owner/name``."""
    latest: dict[str, int] = field(default_factory=dict)
    """The id of the release that was made the latest, by repository."""
    readers: set[str] = field(default_factory=set)
    """Tokens that may only read; every other token may push."""
    immutable: bool = True
    """Whether what is published can be changed no more."""
    used: set[tuple[str, str]] = field(default_factory=set)
    """Repository and tag of immutable releases that were deleted."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Download paths and what is there."""
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    requests: list[RecordedRequest] = field(default_factory=list)
    digests: bool = True
    """Whether it has digests of what is uploaded, as since June 2025."""
    dies_after: int = -1
    """So many requests are answered, then every connection is reset."""
    last_breath: bool = False
    """Whether the request at which it dies is carried out."""
    numbers: int = 0

    @property
    def api(self) -> str:
        return f"{self.address}{API}"

    @property
    def source(self) -> str:
        """What ``--source`` names to have PBS from here."""
        return f"{self.address}/{PBS}/releases/download"

    def number(self) -> int:
        """A number that nothing else has, and that is higher than all before."""
        self.numbers += 1
        return self.numbers

    def fault(self, method: str, path: str) -> Fault:
        """What is to happen to the request that was just asked."""
        left = self.dies_after - len(self.requests)
        if self.dies_after >= 0 and left < 0:
            return Fault(drop=True, done=left == -1 and self.last_breath)
        for name in (f"{method} {path}", path):
            if self.faults.get(name):
                return self.faults[name].popleft()
        return Fault()

    def add(self, tag: str, names: Iterable[str], repository: str = PBS) -> Release:
        """Publish a release with assets of these names, and its ``SHA256SUMS``."""
        number = 1000 + sum(map(len, self.releases.values()))
        assets = [
            Asset(name, size_of(name), f"sha256:{sha256_of(name)}", id=number * 10_000 + place)
            for place, name in enumerate(names)
        ]
        release = Release(number, tag, assets=assets)
        self.numbers = max(self.numbers, number)
        self.releases[repository].append(release)
        self.list_sums(tag, [asset.name for asset in assets], repository)
        return release

    def list_sums(self, tag: str, names: Iterable[str], repository: str = PBS) -> None:
        rows = "".join(f"{sha256_of(name)}  {name}\n" for name in names)
        self.files[f"/{repository}/releases/download/{tag}/SHA256SUMS"] = rows.encode()

    def pages(self, release: Release) -> list[str]:
        """The queries with which a release's assets were asked for."""
        tail = f"/releases/{release.id}/assets"
        return [each.query for each in self.requests if each.path.endswith(tail)]

    def writes(self) -> list[str]:
        """The requests that change something: method and path below the API."""
        return [
            f"{each.method} {each.path.removeprefix(API).removeprefix(UPLOADS)}"
            for each in self.requests
            if each.method != "GET"
        ]


@dataclass(frozen=True)
class Call:
    """A request on its way to an endpoint; ``repository`` is ``owner/name``."""

    github: GitHub
    repository: str
    groups: dict[str, str]
    query: dict[str, list[str]]
    path: str
    body: bytes = b""
    may_push: bool = True

    def number(self, name: str, default: int) -> int:
        return int(self.query.get(name, [str(default)])[0])

    def text(self, name: str) -> str:
        return self.query.get(name, [""])[0]

    @property
    def fields(self) -> dict[str, Any]:
        made = json.loads(self.body)
        assert isinstance(made, dict)
        return made

    @property
    def releases(self) -> list[Release]:
        return self.github.releases[self.repository]

    @property
    def seen(self) -> list[Release]:
        """Without drafts for those who may not push."""
        return [each for each in self.releases if self.may_push or not each.draft]

    def is_immutable(self, release: Release) -> bool:
        return self.github.immutable and not release.draft

    def ref(self, name: str) -> str:
        """The commit of a full ref name, ``""`` for none."""
        bare = self.github.bare.get(self.repository)
        rows = git(bare, "for-each-ref", "--format=%(objectname)", name) if bare else ""
        return rows.strip()


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: tuple[tuple[str, str], ...] = ()


def refused(fault: Fault) -> Answer:
    return Answer(fault.status, json.loads(fault.body))


def page(call: Call, rows: list[dict[str, Any]]) -> Answer:
    size = min(call.number("per_page", 30), _MOST_A_PAGE)
    page = call.number("page", 1)
    last = max(1, -(-len(rows) // size))
    # GitHub's links name the repository by its number.
    base = call.github.address + call.path
    if call.repository == PBS:
        base = base.replace(f"/repos/{PBS}/", f"/repositories/{REPOSITORY_ID}/")
    around = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    shown = {"prev", "first"} if page > 1 else set()
    shown |= {"next", "last"} if page < last else set()
    links = [
        f'<{base}?per_page={size}&page={number}>; rel="{name}"'
        for name, number in around.items()
        if name in shown
    ]
    headers = (("Link", ", ".join(links)),) if links else ()
    return Answer(200, rows[(page - 1) * size : page * size], headers)


Route: TypeAlias = tuple[str, str, Callable[[Call], Answer]]
"""Method, path below the repository, and the endpoint."""
