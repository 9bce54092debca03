"""What a release workflow's jobs get from the plan: GitHub matrices and outputs. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from pipeline.config.cells import asset_name
from pipeline.config.ci_runners import Runner
from pipeline.config.model import Cell, Pin
from pipeline.config.project import Config
from pipeline.release.plan import ReleasePlan
from pipeline.system.errors import UsageError

MAX_GITHUB_JOBS = 256
"""GitHub Actions: "A matrix will generate a maximum of 256 jobs per workflow run"."""


def workflow_outputs(
    plan: ReleasePlan,
    config: Config,
    pins: Mapping[str, Pin],
    runners: Sequence[Runner],
    unpublished: Sequence[str],
) -> dict[str, object]:
    """The outputs of the plan job, by name.

    ``runners`` are those of all platforms; ``unpublished`` tags exist and lack a GitHub release.
    """
    cells = {cell.name: cell for cell in config.cells()}
    built = {cells[name].platform.name for name in plan.built if name in cells}
    trials = [dataclasses.asdict(each) for each in runners if each.platform in built]
    released = [*plan.tags, *unpublished]
    return {
        "cells": github_matrix([_job(n, cells.get(n), config, pins) for n in plan.built]),
        "build": _boolean(plan.built),
        "runners": {"include": [dataclasses.asdict(each) for each in runners]},
        "trials": {"include": trials},
        "try": _boolean(trials),
        "check": _boolean(runners),
        "tags": " ".join(plan.tags),
        "release": _boolean(released),
        "then": _then(plan, released),
        "reuse": str(len(plan.reused)),
    }


def _then(plan: ReleasePlan, released: Sequence[str]) -> str:
    """The job that follows the tries: it writes, or shows what it would write; ``""`` for none."""
    if not released and not plan.rebuild:
        return ""
    return "dry-run" if plan.dry_run else "finalize"


def github_matrix(jobs: Sequence[Mapping[str, str]]) -> dict[str, list[dict[str, str]]]:
    """``{"include": [...]}`` for a job's ``strategy.matrix``; raises ``UsageError`` above 256."""
    if len(jobs) > MAX_GITHUB_JOBS:
        raise UsageError(
            f"{len(jobs)} cells are more than the {MAX_GITHUB_JOBS} jobs of a GitHub matrix",
            hint="Split them over several jobs with --lines or --only-platforms.",
        )
    return {"include": [dict(job) for job in jobs]}


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


def _boolean(items: Sequence[object]) -> str:
    return "true" if items else "false"
