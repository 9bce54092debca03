"""A push of any size: GitHub takes 2 GB at once.

What weighs more goes in parts, whose commits get refs that nobody fetches (``STAGED``). Then one
atomic push makes the real refs and deletes those, so that all of them appear or none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.system.git import Git
from pipeline.system.scratch_repo import REMOTE, added_bytes
from pipeline.system.units import counted, human_bytes

MOST_BYTES = 1_900_000_000
"""Of one push. GitHub's limit is 2 GB ("About large files on GitHub"); a pack has headers, too."""
STAGED = "refs/goempy/push/"
"""Below it each commit has its own id as name: a rerun finds what an earlier run sent."""


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What goes at once; the last part together with the refs that are wanted."""

    parts: tuple[tuple[str, ...], ...]
    size_bytes: int

    def __str__(self) -> str:
        """What is sent, for the log."""
        parts = f" in {len(self.parts)} parts" if len(self.parts) > 1 else ""
        return f"{human_bytes(self.size_bytes)}{parts}"


def plan_push(
    commits: Sequence[str],
    weigh: Callable[[Sequence[str], Sequence[str]], int],
    most_bytes: int,
) -> PushPlan:
    """The commits in their order, in parts of at most ``most_bytes``.

    ``weigh`` says how many bytes commits (its first argument) add to others (the second). A
    commit that alone weighs more is a part.
    """
    size_bytes = weigh(commits, ())
    if size_bytes <= most_bytes:
        return PushPlan((tuple(commits),), size_bytes)
    sent: list[str] = []
    parts: list[list[str]] = [[]]
    for commit in commits:
        if parts[-1] and weigh([*parts[-1], commit], sent) > most_bytes:
            sent += parts[-1]
            parts.append([])
        parts[-1].append(commit)
    return PushPlan(tuple(tuple(part) for part in parts), size_bytes)


def push_split(
    git: Git, refs: Mapping[str, str], most_bytes: int, report: Callable[[str], None]
) -> None:
    """Create ``refs`` (full name → commit id) at ``REMOTE``: all of them or none.

    ``report`` gets what is sent, before it is. Raises ``GitError``; then commits may be left below
    ``STAGED``, and the next push deletes them.
    """
    there = _remote_refs(git)

    def weigh(commits: Sequence[str], sent: Sequence[str]) -> int:
        return added_bytes(git, commits, [*there.values(), *sent])

    plan = plan_push(list(dict.fromkeys(refs.values())), weigh, most_bytes)
    report(f"pushing {counted(len(refs), 'tag')}: {plan}")
    staged = {f"{STAGED}{commit}": commit for part in plan.parts[:-1] for commit in part}
    for part in plan.parts[:-1]:
        git.push(REMOTE, {ref: commit for ref, commit in staged.items() if commit in part})
    left = {ref for ref in there if ref.startswith(STAGED)}
    git.push(REMOTE, refs, delete=sorted(left | set(staged)))


def _remote_refs(git: Git) -> dict[str, str]:
    """Object id by full name of every ref."""
    rows = [row.split("\t") for row in git.call("ls-remote", REMOTE).splitlines()]
    return {ref: object_id for object_id, ref in rows}
