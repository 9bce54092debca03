"""The repository at GitHub that a command works on, as GitHub Actions names it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.cli.workspace import API_VARIABLE, TOKEN_VARIABLES, Session
from pipeline.system.errors import UsageError
from pipeline.system.github import PUBLIC_API, GitHubClient

REPOSITORY_VARIABLE = "GITHUB_REPOSITORY"
_NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hosted:
    """A GitHub that may be written to, and ``owner/name`` there."""

    hub: GitHubClient
    repository: str


def repository_of(env: Mapping[str, str]) -> str:
    """``owner/name``, or ``""`` outside of GitHub Actions; raises ``UsageError`` for others."""
    name = env.get(REPOSITORY_VARIABLE, "").strip()
    if name and not _NAME.fullmatch(name):
        raise UsageError(
            f"{REPOSITORY_VARIABLE} is {name!r}", hint="Set it to owner/name, such as me/goempy."
        )
    return name


def hosted(session: Session, permissions: str) -> Hosted:
    """Who to talk to; raises ``UsageError`` where the environment does not tell.

    ``permissions`` are those that the token needs.
    """
    env, faults = session.env, []
    repository = repository_of(env)
    if not repository:
        faults.append(f"{REPOSITORY_VARIABLE} is not set: owner/name, such as me/goempy")
    if not any(env.get(name, "").strip() for name in TOKEN_VARIABLES):
        faults.append(f"{TOKEN_VARIABLES[0]} is not set: a token with {permissions}")
    if faults:
        raise UsageError(
            "it is not known which repository at GitHub to write to, and as who",
            details=faults,
            hint=f"GitHub Actions sets the repository, and {API_VARIABLE}; hand the token on in "
            "the step's env. Elsewhere set them yourself.",
        )
    return Hosted(session.hub(env.get(API_VARIABLE, "") or PUBLIC_API), repository)
