"""The pull request of an update: opened, kept up to date, and closed when nothing is left."""

from __future__ import annotations

from dataclasses import dataclass, replace

import semver

from pipeline.config.project import VERSION_FILE
from pipeline.publish.update_commit import (
    SUBJECT,
    BranchTip,
    branch_tip,
    has_tag,
    make_commit,
    push_branch,
)
from pipeline.publish.update_summary import summarize
from pipeline.sources.pinning import MatrixUpdate
from pipeline.system.errors import UsageError
from pipeline.system.git import Git
from pipeline.system.github.client import PullRequestsForbiddenError
from pipeline.system.github.models import PullRequest
from pipeline.system.github.pull_requests import Pulls

CLOSING_COMMENT = (
    "Nothing is left to update: the matrix has these interpreters, or they were withdrawn. "
    "Closing this pull request and deleting its branch."
)
MAX_BODY = 65_536
"""Characters of a pull request's text, the most that GitHub takes."""


@dataclass(frozen=True, slots=True)
class PullRequestTarget:
    """Where a pull request comes from, and the branch ``base`` that it goes to."""

    repo: Git
    pulls: Pulls
    branch: str
    base: str


def open_target(repo: Git, pulls: Pulls, branch: str) -> PullRequestTarget:
    """Find the base; raises ``UsageError`` if it is ``branch``."""
    base = pulls.default_branch()
    if branch == base:
        raise UsageError(
            f"{base} is the branch that the pull request goes to",
            hint="Name another with --branch.",
        )
    return PullRequestTarget(repo, pulls, branch, base)


def raise_version(update: MatrixUpdate, version: semver.Version, repo: Git) -> MatrixUpdate:
    """Add the next patch of ``version`` to an update, so that merging it is a release.

    A version that is not released yet stays.
    """
    if not update.texts or not has_tag(repo, f"v{version}"):
        return update
    return replace(update, texts={**update.texts, VERSION_FILE: f"{version.bump_patch()}\n"})


def propose_update(update: MatrixUpdate, target: PullRequestTarget) -> str:
    """Open, edit or close the pull request; returns a sentence that says which."""
    tip = branch_tip(target.repo, target.branch)
    pull = target.pulls.find(target.branch, target.base)
    if tip.foreign:
        return _keep(target, tip, pull)
    if update.texts:
        return _offer(update, target, tip.commit, pull)
    return _withdraw(target, tip.commit, pull)


def _keep(target: PullRequestTarget, tip: BranchTip, pull: PullRequest | None) -> str:
    """Someone works on the branch: it is theirs until they merge or delete it."""
    where = f"Pull request {pull.number}" if pull else f"Branch {target.branch}"
    page = f": {pull.page}" if pull else ""
    return (
        f"{where} has a commit of someone else's ({tip.foreign}), and stays as it is until "
        f"it is merged or the branch is deleted{page}"
    )


@dataclass(frozen=True, slots=True)
class PullRequestText:
    """What a pull request says, and the message of its commit."""

    title: str
    body: str
    message: str


def pull_request_text(update: MatrixUpdate) -> PullRequestText:
    """The text for an update that moves at least one line."""
    moves = [(step.before, step.after) for step in update.plan.steps if step.moves]
    names = ", ".join(after.name for _before, after in moves)
    releases = ", ".join(sorted({after.pbs for _before, after in moves}))
    title = f"{SUBJECT}{names} (PBS {releases})"
    rows = [
        f"- {before.name} of PBS {before.pbs} -> {after.name} of PBS {after.pbs}"
        for before, after in moves
    ]
    version = update.texts.get(VERSION_FILE, "").strip()
    end = (
        f"Merging this releases {version}; a commit with another `VERSION` on this branch is kept."
        if version
        else "Tags never move: what is released already needs a higher `VERSION`."
    )
    summary = shortened(summarize(update.plan).strip(), MAX_BODY - len(end) - 2, "the commit")
    body = f"{summary}\n\n{end}"
    rows += [f"- VERSION {version}"] if version else []
    return PullRequestText(title, body, "\n".join([title, "", *rows, ""]))


def shortened(text: str, limit: int, rest: str) -> str:
    """Whole lines of ``text``, and where the ``rest`` is if some are left out."""
    if len(text) <= limit:
        return text
    note = f"\n\n(shortened: the rest is in {rest})"
    return text[: limit - len(note)].rpartition("\n")[0] + note


def _offer(
    update: MatrixUpdate, target: PullRequestTarget, tip: str, pull: PullRequest | None
) -> str:
    text = pull_request_text(update)
    commit = make_commit(target.repo, update.texts, text.message)
    if commit != tip:
        push_branch(target.repo, target.branch, commit, tip)
    if pull is None:
        done = "opened"
        pull = _create(target, text)
    elif (pull.title, normalized(pull.body)) != (text.title, text.body):
        done = "updated"
        target.pulls.edit(pull.number, text.title, text.body)
    else:
        done = "up to date"
    return f"Pull request {pull.number} is {done}: {pull.page}"


def _create(target: PullRequestTarget, text: PullRequestText) -> PullRequest:
    try:
        return target.pulls.create(target.branch, target.base, text.title, text.body)
    except PullRequestsForbiddenError:
        # A branch that no one is asked to merge would stay behind.
        target.pulls.delete_branch(target.branch)
        raise


def normalized(body: str) -> str:
    """GitHub's editor saves CRLF."""
    return body.replace("\r\n", "\n").strip()


def _withdraw(target: PullRequestTarget, tip: str, pull: PullRequest | None) -> str:
    """Close and delete what is left; an earlier run may have failed after any part of it."""
    if pull is not None:
        target.pulls.comment(pull.number, CLOSING_COMMENT)
        target.pulls.close(pull.number)
    if tip:
        target.pulls.delete_branch(target.branch)
    if pull is None:
        return "There is nothing to propose"
    return f"Pull request {pull.number} is closed, since nothing is left to update: {pull.page}"
