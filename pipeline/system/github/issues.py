"""The issues of one repository that have a label.

Source: docs.github.com, "REST API endpoints for issues". The list of issues has pull requests, too.
"""

from __future__ import annotations

from collections.abc import Callable

from github.Issue import Issue as ApiIssue

from pipeline.system.github.client import GitHubClient
from pipeline.system.github.models import Issue

_PERMISSION = "issues: write"


class LabelledIssues:
    """The issues of ``owner/name`` with one label; every method raises ``GitHubError``."""

    def __init__(self, client: GitHubClient, repository: str, label: str) -> None:
        self._client = client
        self._repository = repository
        self._label = label
        self._repo = client.github.get_repo(repository)

    def newest(self) -> Issue | None:
        """The one that was opened last, open or closed."""

        def find() -> Issue | None:
            found = self._repo.get_issues(
                state="all", labels=[self._label], sort="created", direction="desc"
            )
            # Other fields would be asked for, one by one, where an issue lacks them.
            return next((_issue(each) for each in found if "/pull/" not in each.html_url), None)

        return self._client.call(f"issues of {self._repository}", find)

    def create(self, title: str, body: str) -> Issue:
        """Open one, or find the one that a lost response was about."""

        def find() -> Issue | None:
            found = self.newest()
            return found if found and found.open and found.title == title else None

        return self._client.call(
            f"new issue of {self._repository}",
            lambda: _issue(self._repo.create_issue(title, body, labels=[self._label])),
            find,
            permission=_PERMISSION,
        )

    def edit(self, number: int, title: str, body: str) -> None:
        """Replace the title and body of an issue."""
        issue = self._repo.get_issue(number)
        self._write(number, lambda: issue.edit(title=title, body=body))

    def close(self, number: int) -> None:
        """Close an issue as completed."""
        issue = self._repo.get_issue(number)
        self._write(number, lambda: issue.edit(state="closed"))

    def _write(self, number: int, act: Callable[[], None]) -> None:
        what = f"issue {number} of {self._repository}"
        self._client.call(what, act, permission=_PERMISSION)


def _issue(issue: ApiIssue) -> Issue:
    return Issue(issue.number, issue.title, issue.body or "", issue.html_url, issue.state == "open")
