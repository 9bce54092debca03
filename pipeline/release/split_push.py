"""A push of any size: GitHub takes 2 GB at once.

What weighs more goes in parts, whose commits get refs that nobody fetches (``STAGED``). Then one
atomic push makes the real refs and deletes those, so that all of them appear or none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pipeline.system.git import Git
from pipeline.system.scratch_repo import REMOTE, added_bytes

MOST_BYTES = 1_900_000_000
"""Of one push. GitHub's limit is 2 GB ("About large files on GitHub"); a pack has headers, too."""
STAGED = "refs/goempy/push/"
"""Below it each commit has its own id as name: a rerun finds what an earlier run sent."""


def plan_parts(
    commits: Sequence[str],
    weigh: Callable[[Sequence[str], Sequence[str]], int],
    most_bytes: int,
) -> tuple[tuple[str, ...], ...]:
    """The commits in their order, in parts of at most ``most_bytes``.

    ``weigh`` says how many bytes commits (its first argument) add to others (the second). A
    commit that alone weighs more is a part.
    """
    if weigh(commits, ()) <= most_bytes:
        return (tuple(commits),)
    sent: list[str] = []
    parts: list[list[str]] = [[]]
    for commit in commits:
        if parts[-1] and weigh([*parts[-1], commit], sent) > most_bytes:
            sent += parts[-1]
            parts.append([])
        parts[-1].append(commit)
    return tuple(tuple(part) for part in parts)


def push_split(git: Git, refs: Mapping[str, str], most_bytes: int) -> None:
    """Create ``refs`` (full name → commit id) at ``REMOTE``: all of them or none.

    Raises ``GitError``; then commits may be left below ``STAGED``, and the next push deletes them.
    """
    there = _remote_refs(git)

    def weigh(commits: Sequence[str], sent: Sequence[str]) -> int:
        return added_bytes(git, commits, [*there.values(), *sent])

    parts = plan_parts(list(dict.fromkeys(refs.values())), weigh, most_bytes)
    staged = {f"{STAGED}{commit}": commit for part in parts[:-1] for commit in part}
    for part in parts[:-1]:
        git.push(REMOTE, {ref: commit for ref, commit in staged.items() if commit in part})
    left = {ref for ref in there if ref.startswith(STAGED)}
    git.push(REMOTE, refs, delete=sorted(left | set(staged)))


def _remote_refs(git: Git) -> dict[str, str]:
    """Object id by full name of every ref."""
    rows = [row.split("\t") for row in git.call("ls-remote", REMOTE).splitlines()]
    return {ref: object_id for object_id, ref in rows}
