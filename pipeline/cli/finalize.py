"""``goempy finalize``: commit the payloads of a directory, and tag them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.cli.tables import show_tags
from pipeline.config.project import Selection, read_config, read_pins
from pipeline.release.compare import PartComparison
from pipeline.release.finalize import FinalizeRequest, finalize, warn_if_dirty
from pipeline.release.tagging import Target
from pipeline.system.scratch_repo import remote_address
from pipeline.system.tables import columns, markdown_table


@goempy_command(
    "finalize",
    example="goempy finalize --payloads dist/payloads --repo . --push origin",
    environment="GITHUB_STEP_SUMMARY",
)
@parameters.path_option(
    "--payloads",
    "DIR",
    "Payload directory, as 'goempy build' and 'goempy unpack' write it.",
    required=True,
)
@parameters.path_option(
    "--repo", "PATH", "Repository that gets the tags; its HEAD is the source commit.", required=True
)
@click.option("--push", default="", metavar="REMOTE", help="Push the tags there as well.")
@click.option("--without-licenses", is_flag=True, help="Push payloads that lack licence texts.")
@parameters.boolean("--rebuild", "compare payloads with existing tags, and do nothing else.")
@parameters.module
@parameters.dry_run
@parameters.lines
@parameters.only_platforms
def command(
    context: Context,
    payloads: Path,
    repo: Path,
    push: str,
    without_licenses: bool,
    rebuild: bool,
    module: str,
    dry_run: bool,
    lines: tuple[str, ...],
    platforms: tuple[str, ...],
) -> None:
    """Commit payloads and tag them."""
    parameters.require_folder(payloads, "Build them with 'goempy build', or unpack them.")
    config = read_config(context.root, module)
    git = context.repository(repo)
    request = FinalizeRequest(
        config,
        config.cells(Selection(lines, platforms)),
        read_pins(context.root),
        payloads,
        Target(git, remote_address(push, git)),
        rebuild,
        bool(push) and not without_licenses,
        dry_run,
    )
    warn_if_dirty(context.git(), context.console)
    with context.lock(request.payloads):
        done = finalize(request, context.console, lambda compared: _show(compared, context))
    if done.origins is None:
        return
    show_tags(done.tagged, context)
    cells = markdown_table(columns("cell", "payload"), list(done.origins.items()))
    context.summary(cells)
    if dry_run:
        context.console.info("dry run: nothing was written")


def _show(compared: Sequence[PartComparison], context: Context) -> None:
    """Print what is equal, and how the others differ."""
    for each in compared:
        for row in each.rows or (str(each),):
            context.console.result(row)
    rows = "".join(f"- {each}\n" for each in compared)
    context.summary(f"### Compared with the tags\n\n{rows}")
