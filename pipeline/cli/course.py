"""``goempy plan --json``: what a release run does, decided before any job is spent."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pipeline.cli.hosted import hosted, repository_of
from pipeline.cli.requests import PlanRequest
from pipeline.cli.workspace import TOKEN_VARIABLES, Session
from pipeline.config.cells import asset_name, split_cells
from pipeline.config.ci_runners import runners_for, without_runner
from pipeline.config.model import PIP_CELL, Cell, Pin
from pipeline.config.project import Config, Selection
from pipeline.release.drift import Aim, require_newest, require_same
from pipeline.release.payload_dir import payload_names
from pipeline.release.plan import ReleasePlan, github_matrix, plan_release
from pipeline.release.tag_index import TagIndex, expected_digests, find, known_tags
from pipeline.system.errors import GitError
from pipeline.system.files import scratch_dir
from pipeline.system.git import Git
from pipeline.system.scratch_repo import remote_address
from pipeline.system.tables import Column, markdown_table

Matrix = Mapping[str, Sequence[Mapping[str, str]]]
"""A GitHub matrix: ``{"include": [...]}``."""


def decide(request: PlanRequest, config: Config, session: Session) -> None:
    """Decide, print it as JSON, and hand it to the workflow."""
    pins = session.pins()
    with scratch_dir(session.cache()) as scratch:
        tags = _tags(request, session, scratch)
        course = _course(request, config, pins, tags)
    cells = {cell.name: cell for cell in config.cells(Selection())}
    jobs = [_job(name, cells.get(name), config, pins) for name in course.built]
    matrix: Matrix = github_matrix(jobs)
    tried = {cells[name].platform.name for name in course.built if name in cells}
    runners = _runners(config, session)
    trials = [row for row in runners if row["platform"] in tried]
    silent = _unpublished({config.tag_of(line) for line in config.matrix.lines}, course, session)
    told: dict[str, object] = {
        "cells": matrix,
        "build": _word(bool(course.built)),
        "runners": {"include": runners},
        "trials": {"include": trials},
        "try": _word(bool(trials)),
        "tags": " ".join(course.tags),
        "release": _word(bool(course.tags) or bool(silent)),
        "reuse": str(len(course.reused)),
    }
    session.console.result(json.dumps(told))
    for name, value in told.items():
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        session.output(name, text)
    _tell(course, config, session)


def _tags(request: PlanRequest, session: Session, scratch: Path) -> TagIndex:
    repo = Git((request.repo or session.root).resolve(), session.env)
    try:
        repo.git_dir()
    except GitError:
        if request.repo or request.remote:
            raise
        session.console.info(f"{session.root} is no git repository, so no tag is known")
        return TagIndex(repo, "", scratch, {})
    return known_tags(repo, remote_address(request.remote, repo), scratch)


def _course(
    request: PlanRequest, config: Config, pins: Mapping[str, Pin], tags: TagIndex
) -> ReleasePlan:
    """What is to be done; raises ``TagConflictError`` where nothing can be."""
    every = config.cells(Selection())
    digests = expected_digests(every, config.matrix, pins)
    lines = {config.tag_of(cell.line): cell.line for cell in every}
    new = [tag for tag in lines if tag not in tags.commits]
    require_newest(config.version, new, tags)
    if not request.rebuild and len(new) < len(lines):
        aim = Aim(config.matrix, config.version, config.primary, every, digests)
        require_same({tag: line for tag, line in lines.items() if tag not in new}, aim, tags)
    found = {name: place.tag for name, place in find(digests, tags).items()} if new else {}
    return plan_release(
        payload_names(every, config.matrix),
        _chosen(request, config, needs_pip=bool(new) and PIP_CELL not in found),
        found,
        new,
        rebuild=request.rebuild,
    )


def _chosen(request: PlanRequest, config: Config, *, needs_pip: bool) -> set[str]:
    """What the user selects; package pip is of no platform, and of all of them."""
    names = {cell.name for cell in config.cells(request.selection)}
    return names | ({PIP_CELL} if needs_pip or request.selection == Selection() else set())


def _unpublished(tags: Collection[str], course: ReleasePlan, session: Session) -> list[str]:
    """Tags that exist and have no release at GitHub: a run died after it had pushed them."""
    made = sorted(set(tags) - set(course.tags))
    repository = repository_of(session.env)
    if not made or not repository or not any(session.env.get(name) for name in TOKEN_VARIABLES):
        return []
    releases = hosted(session, "contents: read").hub.releases(repository).listing()
    published = {each.tag for each in releases if not each.draft}
    lacking = [tag for tag in made if tag not in published]
    if lacking:
        session.console.info(f"tagged, but not published: {', '.join(lacking)}")
    return lacking


def _job(name: str, cell: Cell | None, config: Config, pins: Mapping[str, Pin]) -> dict[str, str]:
    asset = asset_name(cell, config.matrix.archive) if cell else ""
    return {
        "cell": name,
        # Neither artifacts nor file names take a slash.
        "name": name.replace("/", "-"),
        "platform": cell.platform.name if cell else "",
        "python": cell.line.name if cell else "",
        "asset": asset,
        "sha256": pins[asset].sha256 if asset in pins else "",
    }


def _runners(config: Config, session: Session) -> list[dict[str, str]]:
    """A row for each platform of the release that a hosted runner exists for."""
    wanted = {cell.platform.name for cell in config.cells(Selection())}
    platforms = [each for each in config.matrix.platforms if each.name in wanted]
    for each in without_runner(platforms):
        session.console.info(f"no hosted runner for {each.name}: it is neither tried nor checked")
    return [dataclasses.asdict(each) for each in runners_for(platforms)]


def _word(truth: bool) -> str:  # noqa: FBT001 - the only thing it is about
    return "true" if truth else "false"


def _tell(course: ReleasePlan, config: Config, session: Session) -> None:
    """The plan for people: a row a cell."""
    for name in course.missing:
        session.console.warning(
            f"{name} is neither built by this run nor held by a tag; finalize will need it"
        )
    rows = [(name, "built") for name in course.built]
    rows += [(name, f"reused from {tag}") for name, tag in course.reused.items()]
    rows += [(name, "missing: neither built nor held by a tag") for name in course.missing]
    rows += [
        (each.cell.name, f"left out: {each.reason}") for each in split_cells(config.matrix).left_out
    ]
    head = f"VERSION {config.version}: "
    head += f"to be tagged: {', '.join(course.tags)}" if course.tags else "released already"
    session.console.info(head)
    table = markdown_table([Column("cell"), Column("payload")], rows) if rows else ""
    session.summary(f"### Plan\n\n{head}.\n\n{table}")
