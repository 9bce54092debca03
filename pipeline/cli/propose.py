"""``goempy propose``: ``goempy update`` as a pull request."""

from __future__ import annotations

import click

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.config.project import read_version
from pipeline.publish.update_pr import open_target, propose_update, raise_version
from pipeline.publish.update_summary import summarize
from pipeline.sources.catalog import open_catalog
from pipeline.sources.pinning import update_matrix
from pipeline.system.github.context import github_repository
from pipeline.system.github.pull_requests import Pulls


@goempy_command(
    "propose",
    example="goempy propose",
    environment="GITHUB_REPOSITORY GITHUB_TOKEN GITHUB_API_URL GOEMPY_PBS_MIRROR "
    "GITHUB_STEP_SUMMARY",
)
@click.option(
    "--branch",
    default="goempy/update",
    metavar="NAME",
    show_default=True,
    help="The branch of the pull request.",
)
@click.option(
    "--bump",
    type=click.Choice(["none", "patch"]),
    default="none",
    show_default=True,
    help="patch: raise a VERSION that is released, so that merging is a release.",
)
@parameters.source
def command(context: Context, branch: str, bump: str, source: str) -> None:
    """Open, edit or close the pull request of an update."""
    permissions = "contents: write and pull-requests: write"
    repository = github_repository(context.env, context.github, permissions)
    git = context.repository()
    target = open_target(git, Pulls(repository.client, repository.name), branch)
    catalog = open_catalog(context.root, context.source(source), context.github, context.console)
    update = update_matrix(context.root, catalog, context.today())
    if bump == "patch":
        update = raise_version(update, read_version(context.root), git)
    done = propose_update(update, target)
    summary = summarize(update.plan)
    context.console.result(f"{done}\n\n{summary}")
    context.summary(f"### {done}\n\n{summary}")
