"""The pull requests of one repository, from its own branches.

Source: docs.github.com, "REST API endpoints for pull requests", "... for issue comments" and
"... for Git references".
"""

from __future__ import annotations

from github.PullRequest import PullRequest as ApiPullRequest

from pipeline.system.errors import AssetNotFoundError
from pipeline.system.github.client import GitHubClient, InvalidError
from pipeline.system.github.models import PullRequest

_PERMISSION = "pull-requests: write"
_NO_REF = "Reference does not exist"
"""What GitHub says, with status 422, when a branch to delete is not there."""


class Pulls:
    """The pull requests of ``owner/name``; every method raises ``GitHubError``."""

    def __init__(self, client: GitHubClient, repository: str) -> None:
        self._client = client
        self._repository = repository
        self._repo = client.github.get_repo(repository)

    def default_branch(self) -> str:
        """The branch that pull requests go to."""
        return self._client.call(
            f"repository {self._repository}", lambda: self._repo.complete().default_branch
        )

    def find(self, branch: str, base: str) -> PullRequest | None:
        """The open pull request from ``branch`` to ``base``; GitHub allows one."""
        owner = self._repository.partition("/")[0]
        found = self._client.call(
            f"pull requests of {self._repository}",
            lambda: list(self._repo.get_pulls(state="open", base=base, head=f"{owner}:{branch}")),
        )
        # Another fork of that owner may have a branch of the same name.
        mine = [each for each in found if each.head.ref == branch and self._is_own(each)]
        return _pull(mine[0]) if mine else None

    def _is_own(self, pull: ApiPullRequest) -> bool:
        head: object = pull.head.repo
        return head is not None and pull.head.repo.full_name.lower() == self._repository.lower()

    def create(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open a pull request, or find the one that is open."""
        return self._client.call(
            f"pull request from {branch} in {self._repository}",
            lambda: _pull(self._repo.create_pull(base, branch, title=title, body=body)),
            lambda: self.find(branch, base),
            permission=_PERMISSION,
        )

    def edit(self, number: int, title: str, body: str) -> None:
        """Replace the title and body of a pull request."""
        pull = self._repo.get_pull(number)
        what = f"pull request {number} of {self._repository}"
        self._client.call(what, lambda: pull.edit(title=title, body=body), permission=_PERMISSION)

    def close(self, number: int) -> None:
        """Close a pull request without merging it."""
        pull = self._repo.get_pull(number)
        what = f"pull request {number} of {self._repository}"
        self._client.call(what, lambda: pull.edit(state="closed"), permission=_PERMISSION)

    def comment(self, number: int, text: str) -> None:
        """Comment on a pull request, unless it has the comment already."""
        what = f"comments of pull request {number} of {self._repository}"
        issue = self._repo.get_issue(number)

        def find() -> bool | None:
            bodies = self._client.call(what, lambda: [e.body for e in issue.get_comments()])
            return text in bodies or None

        if not find():
            self._client.call(
                what, lambda: bool(issue.create_comment(text)), find, permission=_PERMISSION
            )

    def delete_branch(self, branch: str) -> None:
        """Delete a branch, if it exists; raises ``InvalidError`` if a ruleset forbids it."""
        path = f"/repos/{self._repository}/git/refs/heads/{branch}"
        try:
            what = f"branch {branch} of {self._repository}"
            self._client.delete(path, what, permission="contents: write")
        except (AssetNotFoundError, InvalidError) as fault:
            is_gone = isinstance(fault, AssetNotFoundError) or _NO_REF in fault.what
            if not is_gone:
                raise


def _pull(pull: ApiPullRequest) -> PullRequest:
    return PullRequest(pull.number, pull.title, pull.body or "", pull.html_url)
