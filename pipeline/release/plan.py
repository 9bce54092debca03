"""What a release run does, decided before any job is spent. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pipeline.system.errors import UsageError

MAX_GITHUB_JOBS = 256
"""GitHub Actions: "A matrix will generate a maximum of 256 jobs per workflow run"."""


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """What a release run does: all by cell name, in the matrix's order, ``pip`` last.

    ``reused`` tells the tag that holds each; ``missing`` are neither built nor found.
    """

    built: tuple[str, ...]
    reused: Mapping[str, str]
    missing: tuple[str, ...]
    tags: tuple[str, ...]
    """Those that are to be made."""


def plan_release(
    names: Sequence[str],
    chosen: Collection[str],
    found: Mapping[str, str],
    tags: Sequence[str],
    *,
    rebuild: bool,
) -> ReleasePlan:
    """Decide what is built of the cells ``names``, where ``tags`` are still to be made.

    ``found`` tells the tag that holds a cell. A rebuild builds the ``chosen`` ones, whatever
    exists; else those of them are built that no tag holds, and none when there is no tag to make.
    """
    if rebuild:
        built = tuple(name for name in names if name in chosen)
    elif tags:
        built = tuple(name for name in names if name in chosen and name not in found)
    else:
        built = ()
    rest = [name for name in names if name not in built] if tags else []
    reused = {name: found[name] for name in rest if name in found}
    missing = tuple(name for name in rest if name not in found)
    return ReleasePlan(built, reused, missing, tuple(tags))


def github_matrix(jobs: Sequence[Mapping[str, str]]) -> dict[str, list[dict[str, str]]]:
    """``{"include": [...]}`` for a job's ``strategy.matrix``; raises ``UsageError`` above 256."""
    if len(jobs) > MAX_GITHUB_JOBS:
        raise UsageError(
            f"{len(jobs)} cells are more than the {MAX_GITHUB_JOBS} jobs of a GitHub matrix",
            hint="Split them over several jobs with --lines or --only-platforms.",
        )
    return {"include": [dict(job) for job in jobs]}
