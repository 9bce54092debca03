"""The pull requests of one repository, from branches of its own.

Source: docs.github.com, "REST API endpoints for pull requests", "... for issue comments" and
"... for Git references".
"""

from __future__ import annotations

import contextlib

from github.PullRequest import PullRequest as ApiPullRequest

from pipeline.system.errors import AssetNotFoundError
from pipeline.system.github.client import Connection, InvalidError
from pipeline.system.github.models import PullRequest


class Pulls:
    """The pull requests of ``repository``; every verb raises ``GitHubError``."""

    def __init__(self, connection: Connection, repository: str) -> None:
        self._connection = connection
        self._repository = repository
        self._repo = connection.github.get_repo(repository)

    def default_branch(self) -> str:
        """The branch that pull requests go to."""
        return self._connection.read(
            f"repository {self._repository}", lambda: self._repo.complete().default_branch
        )

    def find(self, branch: str, base: str) -> PullRequest | None:
        """The open pull request from ``branch`` to ``base``; GitHub allows one."""
        owner = self._repository.partition("/")[0]
        found = self._connection.read(
            f"pull requests of {self._repository}",
            lambda: list(self._repo.get_pulls(state="open", base=base, head=f"{owner}:{branch}")),
        )
        # The same name may stand in another fork of that owner.
        mine = [each for each in found if each.head.ref == branch and self._is_own(each)]
        return _pull(mine[0]) if mine else None

    def _is_own(self, pull: ApiPullRequest) -> bool:
        home: object = pull.head.repo
        return home is not None and pull.head.repo.full_name.lower() == self._repository.lower()

    def create(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open a pull request, or find the one that is open."""
        return self._connection.create(
            f"pull request from {branch} in {self._repository}",
            lambda: _pull(self._repo.create_pull(base, branch, title=title, body=body)),
            lambda: self.find(branch, base),
        )

    def edit(self, number: int, title: str, body: str) -> None:
        """Give a pull request other words."""
        pull = self._repo.get_pull(number)
        self._connection.change(
            f"pull request {number} of {self._repository}",
            lambda: pull.edit(title=title, body=body),
        )

    def close(self, number: int) -> None:
        """Close a pull request that is not to be merged."""
        pull = self._repo.get_pull(number)
        self._connection.change(
            f"pull request {number} of {self._repository}", lambda: pull.edit(state="closed")
        )

    def comment(self, number: int, text: str) -> None:
        """Say something on a pull request, unless it stands there already."""
        what = f"comments of pull request {number} of {self._repository}"
        issue = self._repo.get_issue(number)

        def said() -> bool | None:
            rows = self._connection.read(what, lambda: [e.body for e in issue.get_comments()])
            return text in rows or None

        def say() -> bool:
            return bool(issue.create_comment(text))

        if not said():
            self._connection.create(what, say, said)

    def delete_branch(self, branch: str) -> None:
        """Delete a branch; one that is gone is fine."""
        url = f"/repos/{self._repository}/git/refs/heads/{branch}"
        with contextlib.suppress(AssetNotFoundError, InvalidError):
            # GitHub says 422 to who deletes what is not there.
            self._connection.change(
                f"branch {branch} of {self._repository}",
                lambda: self._connection.github.requester.requestJsonAndCheck("DELETE", url),
            )


def _pull(pull: ApiPullRequest) -> PullRequest:
    return PullRequest(pull.number, pull.title, pull.body or "", pull.head.sha, pull.html_url)
