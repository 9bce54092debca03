"""``goempy plan``: the cells of the matrix, or what a release run does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from pipeline.cli import parameters
from pipeline.cli.context import Context
from pipeline.cli.help import goempy_command
from pipeline.cli.tables import cell_count
from pipeline.config.cells import asset_name, split_cells
from pipeline.config.ci_runners import Runner, runners_for, without_runner
from pipeline.config.model import PIP_CELL, Pin
from pipeline.config.project import Config, Selection, read_config, read_pins
from pipeline.release.plan import ReleasePlan, plan_from_tags
from pipeline.release.tag_index import TagIndex, known_tags
from pipeline.release.workflow_jobs import workflow_outputs
from pipeline.release.workflow_run import notices, read_workflow_run, require_cloud
from pipeline.system.files import scratch_dir
from pipeline.system.github.context import repository_of, token_of
from pipeline.system.scratch_repo import remote_address
from pipeline.system.tables import columns, markdown_table
from pipeline.system.units import counted, human_bytes


@goempy_command(
    "plan",
    example="goempy plan --lines 3.14",
    environment="GITHUB_TOKEN GITHUB_REPOSITORY GITHUB_EVENT_NAME GITHUB_EVENT_PATH "
    "GITHUB_SERVER_URL GOEMPY_PBS_MIRROR GOEMPY_ATTEST GITHUB_OUTPUT GITHUB_STEP_SUMMARY",
)
@click.option("--json", "as_json", is_flag=True, help="Print what a release run does.")
@parameters.repo
@parameters.remote("Read the tags of this remote.")
@parameters.boolean("--rebuild", "rebuild the selected cells, even if a tag has them.")
@parameters.boolean("--dry-run", "the release run is one that writes nothing.")
@parameters.lines
@parameters.only_platforms
def command(
    context: Context,
    as_json: bool,
    repo: Path | None,
    remote: str,
    rebuild: bool,
    dry_run: bool,
    lines: tuple[str, ...],
    platforms: tuple[str, ...],
) -> None:
    """Print the cells as a table, or what a release run does as JSON."""
    config, pins = read_config(context.root), read_pins(context.root)
    selection = Selection(lines, platforms)
    for each in split_cells(config.matrix).left_out:
        context.console.info(f"left out: {each.cell.name}: {each.reason}")
    off = sorted(each.name for each in config.matrix.platforms if not each.enabled)
    if off:
        context.console.info(f"off, unless a line names them: {', '.join(off)}")
    if not as_json:
        _show_cells(config, pins, selection, context)
        return
    with scratch_dir(context.cache) as scratch:
        tags = _tags(repo, remote, scratch, context)
        plan = plan_from_tags(config, pins, tags, selection, rebuild=rebuild, dry_run=dry_run)
    _show_plan(plan, config, pins, context)


def _show_cells(
    config: Config, pins: Mapping[str, Pin], selection: Selection, context: Context
) -> None:
    cells = config.cells(selection)
    rows = []
    for cell in cells:
        name = asset_name(cell, config.matrix.archive)
        pin = pins.get(name)
        size = human_bytes(pin.size_bytes) if pin and pin.size_bytes else "?"
        rows.append([cell.name, config.tag_of(cell.line), name, size, "yes" if pin else "no"])
    if wheels := config.matrix.wheels:
        names = ", ".join(f"{each.name} {each.version}" for each in wheels)
        rows.append([PIP_CELL, "all", names, "?", "yes"])
    titles = columns("cell", "tag", "asset", "size", "locked", right={"size"}, folds={"asset"})
    context.console.table(titles, rows)
    lines = counted(len({cell.line for cell in cells}), "line")
    context.console.info(f"{cell_count(cells, wheels=bool(wheels))}, {lines}")


def _tags(repo: Path | None, remote: str, scratch: Path, context: Context) -> TagIndex:
    git = context.git(repo)
    if not (repo or remote or git.is_repository()):
        context.console.info(f"{context.root} is not a git repository: it has no tags")
        return TagIndex(git, "", scratch, {})
    return known_tags(git, remote_address(remote, git), scratch)


def _show_plan(
    plan: ReleasePlan, config: Config, pins: Mapping[str, Pin], context: Context
) -> None:
    """Print the plan as JSON, pass it to the workflow, and add it to its summary."""
    run = read_workflow_run(context.env)
    require_cloud(run)
    unpublished = _unpublished({config.tag_of(line) for line in config.matrix.lines}, plan, context)
    attests = run.attests(forced=context.env.get("GOEMPY_ATTEST", "").lower() == "true")
    source = context.env.get("GOEMPY_PBS_MIRROR", "") or config.matrix.source or "PBS at GitHub"
    notes = list(notices(run, attests=attests, source=source))
    outputs = workflow_outputs(plan, config, pins, _runners(config, context), unpublished)
    outputs["attest"] = "true" if attests else "false"
    context.console.result(json.dumps(outputs))
    for name, value in outputs.items():
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        context.output(name, text)
    for name in plan.missing:
        context.console.warning(
            f"{name} is neither built by this run nor held by a tag; finalize will need it"
        )
    head = f"VERSION {config.version}: "
    head += f"to be tagged: {', '.join(plan.tags)}" if plan.tags else "already released"
    if plan.dry_run:
        head += ". Nothing is written: pull requests, branches other than the one to release from, "
        head += "and dispatches that ask for it are dry runs"
    for note in (head, *notes):
        context.console.info(note)
    left_out = split_cells(config.matrix).left_out
    rows = [*plan.rows(), *((each.cell.name, f"left out: {each.reason}") for each in left_out)]
    table = markdown_table(columns("cell", "payload"), rows) if rows else ""
    context.summary(f"### Plan\n\n{head}.\n\n{table}\n" + "".join(f"- {n}\n" for n in notes))


def _runners(config: Config, context: Context) -> tuple[Runner, ...]:
    """Those of the release's platforms that a hosted runner exists for."""
    used = {cell.platform.name for cell in config.cells()}
    platforms = [each for each in config.matrix.platforms if each.name in used]
    for each in without_runner(platforms):
        context.console.info(f"no hosted runner for {each.name}: it is neither tried nor checked")
    return runners_for(platforms)


def _unpublished(tags: set[str], plan: ReleasePlan, context: Context) -> Sequence[str]:
    """Tags that exist without a GitHub release: a run ended after it had pushed them."""
    existing = tags - set(plan.tags)
    repository = repository_of(context.env)
    if not existing or not repository or not token_of(context.env):
        return []
    # PyGithub is imported only where there is a token.
    from pipeline.publish.github_release import without_release  # noqa: PLC0415

    lacking = without_release(existing, context.github(), repository)
    if lacking:
        context.console.info(f"tagged, but not published: {', '.join(lacking)}")
    return lacking
