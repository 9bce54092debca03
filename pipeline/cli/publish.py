"""``goempy publish``: releases at GitHub, of the folders that ``goempy assets`` wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.cli.hosted import hosted
from pipeline.cli.requests import PublishRequest
from pipeline.cli.workspace import Session
from pipeline.config import tags
from pipeline.publish.github_release import ReleaseAction, apply_step, plan_publish, read_wanted
from pipeline.system.errors import UsageError
from pipeline.system.git import Git
from pipeline.system.github import Release
from pipeline.system.tables import Column


def publish(request: PublishRequest, session: Session) -> None:
    """Publish what is lacking, one tag after the other, the primary line last."""
    wanted = [read_wanted(folder) for folder in _folders(request)]
    repo = Git((request.repo or session.root).resolve(), session.env)
    repo.git_dir()
    here = repo.tags()
    home = hosted(session, "contents: write")
    releases = home.hub.releases(home.repository)
    names = [each.tag for each in wanted]
    commits = {tag: (here.get(tag, ""), releases.tag_commit(tag)) for tag in names}
    steps = plan_publish(wanted, releases.listing(names), commits)
    if request.dry_run:
        _show_plan(steps, session)
        return
    made = [apply_step(step, releases, session.console.info) for step in steps]
    _show(steps, made, session)


def _folders(request: PublishRequest) -> Sequence[Path]:
    """The folder of each tag; raises ``UsageError`` for tags that have none."""
    root = request.assets.resolve()
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}", hint="Make it with 'goempy assets'.")
    found = {each.name: each for each in sorted(root.iterdir()) if each.is_dir()}
    names = dict.fromkeys(request.tags or [name for name in found if not name.startswith(".")])
    faults = [f"{name} has no folder there" for name in names if name not in found]
    faults += [f"{name} is no tag of a release" for name in names if not _is_tag(name)]
    if faults or not names:
        raise UsageError(
            f"{root} does not hold the releases to publish",
            details=faults,
            hint="Make them with 'goempy assets'.",
        )
    return [found[name] for name in names]


def _is_tag(name: str) -> bool:
    try:
        tags.sort_key(name)
    except ValueError:
        return False
    return name.startswith("v")


def _show_plan(steps: Sequence[ReleaseAction], session: Session) -> None:
    for step in steps:
        for row in list(step.rows()) or [step.state.value]:
            session.console.result(f"{step.wanted.tag}: {row}")
    session.console.info("dry run: nothing was written")


def _show(steps: Sequence[ReleaseAction], made: Sequence[Release], session: Session) -> None:
    """A table, and the same in Markdown with links."""
    rows = [
        (step.wanted.tag, _kind(step), step.state.value, release.page)
        for step, release in zip(steps, made, strict=True)
    ]
    columns = [Column("tag"), Column("as"), Column("state"), Column("page")]
    session.console.table(columns, rows)
    titles = {step.wanted.tag: step.wanted.title for step in steps}
    lines = ["### Releases", "", "| release | as | state |", "|---|---|---|"]
    lines += [f"| [{titles[tag]}]({page}) | {kind} | {state} |" for tag, kind, state, page in rows]
    session.summary("\n".join(lines))


def _kind(step: ReleaseAction) -> str:
    if not step.wanted.primary:
        return "pre-release"
    return "latest" if step.latest else "release"
