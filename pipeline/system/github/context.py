"""The repository on GitHub that a command works on, as GitHub Actions names it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.system.errors import UsageError
from pipeline.system.github import GitHubClient

_VARIABLE = "GITHUB_REPOSITORY"
_TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
_NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


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


def github_repository(
    env: Mapping[str, str], connect: Callable[[], GitHubClient], permissions: str
) -> GitHubRepository:
    """The repository that ``env`` names; raises ``UsageError`` where it or a token is not set.

    ``permissions`` are those that the token needs.
    """
    faults = []
    if not (name := repository_of(env)):
        faults.append(f"{_VARIABLE} is not set: owner/name, such as me/goempy")
    if not any(env.get(each, "").strip() for each in _TOKENS):
        faults.append(f"{_TOKENS[0]} is not set: a token with {permissions}")
    if faults:
        raise UsageError(
            f"set {_VARIABLE} and {_TOKENS[0]}",
            details=faults,
            hint="In a workflow pass the token in the step's env; GitHub Actions sets the rest.",
        )
    return GitHubRepository(connect(), name)
