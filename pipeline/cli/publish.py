"""``goempy publish``: releases on GitHub, from the folders that ``goempy assets`` wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.publish.github_release import (
    ReleaseAction,
    apply_release,
    plan_publish,
    require_same,
)
from pipeline.publish.release_spec import read_release_specs
from pipeline.system.github.context import github_repository
from pipeline.system.github.models import Release
from pipeline.system.github.releases import Releases
from pipeline.system.tables import columns, markdown_table


@goempy_command(
    "publish",
    example="goempy publish --assets dist/assets",
    environment="GITHUB_REPOSITORY GITHUB_TOKEN GITHUB_API_URL GITHUB_STEP_SUMMARY",
)
@parameters.tags("all of --assets")
@parameters.path_option("--assets", "DIR", "Folder that 'goempy assets' wrote.", required=True)
@parameters.repo
@parameters.dry_run
def command(
    context: Context, tags: tuple[str, ...], assets: Path, repo: Path | None, *, dry_run: bool
) -> None:
    """Publish the releases that do not exist yet, the primary line last."""
    specs = read_release_specs(assets, tags)
    git = context.repository(repo)
    repository = github_repository(context.env, context.github, "contents: write")
    releases = Releases(repository.client, repository.name)
    actions = plan_publish(specs, releases, git.tags())
    if dry_run:
        for action in actions:
            for row in list(action.rows()) or [action.state.value]:
                context.console.result(f"{action.spec.tag}: {row}")
        context.console.info("dry run: nothing was written")
        require_same(actions)
        return
    made = [apply_release(action, releases, context.console.info) for action in actions]
    _show(actions, made, context)
    require_same(actions)


def _show(actions: Sequence[ReleaseAction], made: Sequence[Release], context: Context) -> None:
    """A table, and the same in Markdown with links."""
    rows = [
        (action.spec.tag, action.kind, action.state.value, release.page)
        for action, release in zip(actions, made, strict=True)
    ]
    context.console.table(columns("tag", "as", "state", "page"), rows)
    links = [
        (f"[{action.spec.title}]({page})", kind, state)
        for action, (_tag, kind, state, page) in zip(actions, rows, strict=True)
    ]
    table = markdown_table(columns("release", "as", "state"), links)
    context.summary(f"### Releases\n\n{table}")
