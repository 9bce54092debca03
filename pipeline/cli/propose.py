"""``goempy propose``: ``goempy update`` as a pull request, in place while it is open."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.cli.hosted import hosted
from pipeline.cli.requests import ProposeRequest
from pipeline.cli.workspace import Session
from pipeline.publish import update_pr as proposing
from pipeline.publish.update_pr import VOID, Doing
from pipeline.publish.update_summary import summarize
from pipeline.sources.catalog import open_catalog
from pipeline.sources.pinning import MatrixUpdate, update_matrix
from pipeline.system.errors import UsageError
from pipeline.system.git import Git
from pipeline.system.github import PullRequest, Pulls


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a proposal stands: its branch, what is at the tip of it, and its pull request."""

    repo: Git
    pulls: Pulls
    branch: str
    base: str
    tip: str
    pull: PullRequest | None


def propose(request: ProposeRequest, session: Session) -> None:
    """Open or edit the pull request of an update; close it when there is nothing to update."""
    home = hosted(session, "contents: write and pull-requests: write")
    repo = Git(session.root, session.env)
    repo.git_dir()
    pulls = home.hub.pulls(home.repository)
    base = pulls.default_branch()
    if request.branch == base:
        raise UsageError(
            f"{base} is the branch that the pull request goes to",
            hint="Name another with --branch.",
        )
    source = session.source(request.source)
    catalog = open_catalog(session.root, source, session.hub, session.console)
    made = update_matrix(session.root, catalog, session.today())
    tip = proposing.tip_of(repo, request.branch)
    pull = pulls.find(request.branch, base)
    place = _Target(repo, pulls, request.branch, base, tip, pull)
    told = _offer(place, made) if made.texts else _withdraw(place)
    summary = summarize(made.plan)
    session.console.result(f"{told}\n\n{summary}")
    session.summary(f"### {told}\n\n{summary}")


def _offer(place: _Target, made: MatrixUpdate) -> str:
    """Have the branch and the pull request say what the update is; returns what was done."""
    moves = [(step.before, step.after) for step in made.plan.steps if step.moves]
    words = proposing.words(moves, summarize(made.plan))
    commit = proposing.make_commit(place.repo, made.texts, words.message)
    if commit != place.tip:
        proposing.push(place.repo, place.branch, commit, place.tip)
    doing = proposing.plan_pull(place.pull, words)
    pull = place.pull
    if pull is None:
        pull = place.pulls.create(place.branch, place.base, words.title, words.body)
    elif doing is Doing.EDIT:
        place.pulls.edit(pull.number, words.title, words.body)
    return f"Pull request {pull.number} is {doing.value}: {pull.page}"


def _withdraw(place: _Target) -> str:
    """Take back what is void; every part of it may have been done by a run that died."""
    if place.pull is not None:
        place.pulls.comment(place.pull.number, VOID)
        place.pulls.close(place.pull.number)
    if place.tip:
        place.pulls.delete_branch(place.branch)
    if place.pull is None:
        return "There is nothing to propose"
    return f"Pull request {place.pull.number} is void, and closed: {place.pull.page}"
