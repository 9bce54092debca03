"""A request to the loopback GitHub as its endpoints see it, and what they answer with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.fakes.github.faults import Fault
from tests.fakes.github.state import PBS, GitHub, Release
from tests.harness.project import git

REPOSITORY_ID = 162334160
_MOST_A_PAGE = 100


@dataclass(frozen=True)
class Call:
    """A request on its way to an endpoint; ``repository`` is ``owner/name``."""

    github: GitHub
    repository: str
    groups: dict[str, str]
    query: dict[str, list[str]]
    path: str
    body: bytes = b""

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
