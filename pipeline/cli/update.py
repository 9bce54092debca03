"""``goempy update``: newer interpreters for the lines of the matrix."""

from __future__ import annotations

import re

import click

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.publish.update_summary import summarize
from pipeline.sources.catalog import open_catalog
from pipeline.sources.pinning import apply_update, update_matrix


def _release(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    # A workflow that was given no release passes an empty text.
    if text and not re.fullmatch(r"[0-9]{8}", text):
        raise click.BadParameter(f"{text!r} is not a release of PBS such as 20261021")
    return text


@goempy_command(
    "update",
    example="goempy update --dry-run",
    environment="GOEMPY_PBS_MIRROR GITHUB_TOKEN GITHUB_API_URL",
)
@click.option(
    "--pbs",
    default="",
    callback=_release,
    metavar="RELEASE",
    help="A release of PBS, such as 20261021.  [default: the newest]",
)
@parameters.source
@parameters.dry_run
def command(context: Context, pbs: str, source: str, *, dry_run: bool) -> None:
    """Write ``matrix.toml`` and ``matrix.lock``; print the summary as Markdown."""
    catalog = open_catalog(context.root, context.source(source), context.github, context.console)
    update = update_matrix(context.root, catalog, context.today(), pbs)
    if update.texts and dry_run:
        context.console.info("nothing was written (--dry-run)")
    elif update.texts:
        apply_update(context.root, update)
        for name in update.texts:
            context.console.info(f"wrote {name}")
    context.console.result(summarize(update.plan))
