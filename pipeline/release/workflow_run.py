"""What the GitHub that runs a release workflow has, and lacks.

Source: GitHub Docs, "Variables reference", "Webhook events and payloads".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.system.errors import UsageError

_FORKING = "docs/forking.md"


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """The run of a workflow; without an ``event`` there is none, as at home."""

    event: str = ""
    server: str = ""
    """The host name of this GitHub."""
    private: bool = False
    from_fork: bool = False

    @property
    def in_cloud(self) -> bool:
        """Whether this is GitHub itself, and no server of its user's."""
        return self.server == "github.com" or self._enterprise_cloud

    @property
    def _enterprise_cloud(self) -> bool:
        return self.server.endswith(".ghe.com")

    def attests(self, *, forced: bool) -> bool:
        """Whether this GitHub keeps attestations; ``forced`` is what its owner says."""
        return forced or not self.private or self._enterprise_cloud


def read_workflow_run(env: Mapping[str, str]) -> WorkflowRun:
    """The run that the variables of GitHub Actions describe."""
    event, path = env.get("GITHUB_EVENT_NAME", ""), env.get("GITHUB_EVENT_PATH", "")
    if not event:
        return WorkflowRun()
    try:
        payload: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as fault:
        raise UsageError(
            f"cannot read the event of this run: {fault}",
            hint="GitHub Actions sets GITHUB_EVENT_PATH; elsewhere unset GITHUB_EVENT_NAME.",
        ) from fault
    repository = payload.get("repository") or {}
    head = ((payload.get("pull_request") or {}).get("head") or {}).get("repo")
    # The repository of a pull request's branch may be deleted.
    own = head is not None and head.get("full_name") == repository.get("full_name")
    return WorkflowRun(
        event=event,
        server=urlsplit(env.get("GITHUB_SERVER_URL", "")).hostname or "",
        private=bool(repository.get("private")),
        from_fork=event == "pull_request" and not own,
    )


def require_cloud(run: WorkflowRun) -> None:
    """Raise ``UsageError`` on a server where the workflow would fail in the middle."""
    if run.event and not run.in_cloud:
        raise UsageError(
            f"the release workflow does not run on {run.server or 'this server'}: GitHub "
            "Enterprise Server takes neither its artifacts nor its attestations",
            hint=f"Release from one machine, or change the workflow: see {_FORKING}.",
        )


def notices(run: WorkflowRun, *, attests: bool, source: str) -> Iterator[str]:
    """What people should know; ``source`` is where assets come from."""
    if run.event and not attests:
        yield (
            "no attestations: GitHub keeps those of private repositories on Enterprise Cloud "
            "only; with that, set the variable GOEMPY_ATTEST to true"
        )
    if run.from_fork:
        yield (
            f"assets come from {source}: GitHub hands no variables to pull requests from forks, "
            "but 'source' in matrix.toml holds there, too"
        )
