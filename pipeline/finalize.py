"""Turn payloads into tags: one commit a line, whose tree is the Go module, and one tag on it.

``plan_tags`` decides what each tag holds. ``make_commits`` computes the commits in a scratch
repository, ``compared`` holds them against the tags that exist; only when none contradicts does
``publish`` write, with one atomic push a repository. Commit ids depend on the source commit,
the payloads and VERSION alone, so a run that died is simply run again.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import semver

from pipeline import tags
from pipeline.errors import GitError, PayloadError, TagConflictError
from pipeline.git import Commit, Git, init_bare
from pipeline.host import scratch_dir
from pipeline.model import PIP_CELL, Cell, Line, Matrix, TreeFile
from pipeline.moduletree import (
    TEMPLATE,
    PlatformPayload,
    Release,
    render_tree,
    shared_blobs,
)
from pipeline.payload.check import Payload, prove_payload, read_payload

_STAGING = "refs/goempy"
"""Where commits wait in the repository while they are pushed on."""


@dataclass(frozen=True, slots=True)
class TagPlan:
    """One tag to be: a line's module tree."""

    tag: str
    line: Line
    module_path: str
    files: tuple[TreeFile, ...]
    payloads: tuple[PlatformPayload, ...]
    message: str
    pip: Payload | None = None

    @property
    def payload_bytes(self) -> int:
        """What the line's blobs take in the module; those of ``common/`` count once."""
        shared = shared_blobs(self.payloads)
        blobs = [blob for each in self.payloads for blob in each.payload.blobs]
        own = [blob for blob in blobs if blob.name not in shared]
        pip = self.pip.blobs if self.pip else ()
        return sum(blob.stored_bytes for blob in [*own, *shared.values(), *pip])


class State(enum.Enum):
    """Whether a tag is to be made."""

    NEW = "new"
    RELEASED = "already released"


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag and the commit that it names, made or found."""

    plan: TagPlan
    commit: str
    tree: str
    state: State


@dataclass(frozen=True, slots=True)
class Target:
    """Where tags go: ``repo``, and ``remote`` (a name or address that ``repo`` can push to)."""

    repo: Git
    remote: str = ""


def read_payloads(names: Sequence[str], folder: Path) -> Mapping[str, Payload]:
    """The payload of each cell by its name, proven; raises ``PayloadError`` naming all missing."""
    missing = [name for name in names if not (folder / name).is_dir()]
    if missing:
        raise PayloadError(
            f"{folder} lacks payloads",
            faults=missing,
            remedy="Build them with 'goempy build', or leave them out with --lines or "
            "--only-platforms.",
        )
    payloads = {}
    for name in names:
        try:
            payload = read_payload(folder / name)
            prove_payload(payload)
        except PayloadError as fault:
            raise fault.at(name) from None
        payloads[name] = payload
    return payloads


def plan_tags(
    matrix: Matrix,
    version: semver.Version,
    primary: Line | None,
    cells: Sequence[Cell],
    payloads: Mapping[str, Payload],
    template: Path = TEMPLATE,
) -> tuple[TagPlan, ...]:
    """What each line's tag holds, in the order in which Go sorts the tags.

    ``payloads`` are by cell name; one called ``pip`` is part of every tag.
    """
    plans = []
    pip = payloads.get(PIP_CELL)
    module_path = tags.module_path(matrix.module, version)
    for line in dict.fromkeys(cell.line for cell in cells):
        mine = tuple(
            PlatformPayload(cell.platform, payloads[cell.name])
            for cell in sorted(cells, key=lambda cell: cell.platform.name)
            if cell.line == line
        )
        release = Release(matrix.module, module_path, str(version), line)
        files = render_tree(release, mine, pip, template)
        tag = tags.tag_name(version, line, primary=line == primary)
        message = _message(tag, release, mine)
        plans.append(TagPlan(tag, line, module_path, files, mine, message, pip))
    return tuple(sorted(plans, key=lambda plan: tags.sort_key(plan.tag)))


def _message(tag: str, release: Release, payloads: Sequence[PlatformPayload]) -> str:
    platforms = " ".join(each.platform.name for each in payloads)
    return (
        f"{tag}: CPython {release.line.name}\n\n"
        f"Version: {release.version}\n"
        f"Python: {release.line.name}\n"
        f"PBS: {release.line.pbs}\n"
        f"Platforms: {platforms}\n"
        f"Module: {release.module_path}\n"
    )


def finalize(
    plans: Sequence[TagPlan], target: Target, *, source: str, scratch_root: Path, dry_run: bool
) -> tuple[Tagged, ...]:
    """Make the commits of ``plans`` on top of ``source`` and tag them.

    Nothing is written to the target when ``dry_run`` is set or when a tag exists with other
    content (``TagConflictError``, which names every such tag).
    """
    with scratch_dir(scratch_root) as scratch:
        parent = target.repo.commit(source)
        workshop = init_bare(scratch / "git", target.repo.env)
        workshop.borrow_objects(target.repo)
        made = make_commits(plans, workshop, parent, scratch)
        tagged = compared(made, target)
        return tagged if dry_run else _publish_or_compare(tagged, workshop, target)


def _publish_or_compare(
    tagged: tuple[Tagged, ...], workshop: Git, target: Target
) -> tuple[Tagged, ...]:
    """Publish; where another run was faster and made the same, that is a release too."""
    try:
        publish(tagged, workshop, target)
    except GitError:
        again = compared(tagged, target)
        if any(each.state is State.NEW for each in again):
            raise
        publish(again, workshop, target)
        return again
    return tagged


def make_commits(
    plans: Sequence[TagPlan], workshop: Git, parent: Commit, scratch: Path
) -> tuple[Tagged, ...]:
    """Compute every commit in ``workshop``."""
    made = []
    for plan in plans:
        ids = workshop.write_files(plan.files, scratch)
        tree = workshop.write_tree(plan.files, ids, scratch / "index")
        commit = workshop.write_commit(tree, parent, plan.message)
        made.append(Tagged(plan, commit, tree, State.NEW))
    return tuple(made)


def compared(made: Sequence[Tagged], target: Target) -> tuple[Tagged, ...]:
    """Find out which tags exist; raises ``TagConflictError`` for those with other content."""
    here = target.repo.tags()
    there = target.repo.remote_tags(target.remote) if target.remote else {}
    result, conflicts = [], []
    for each in made:
        found = there.get(each.plan.tag) or here.get(each.plan.tag)
        if found is None:
            result.append(each)
        elif _tree_of(found, each.plan.tag, target) == each.tree:
            # The commit that is out there stays: source commits may differ, content may not.
            result.append(Tagged(each.plan, found, each.tree, State.RELEASED))
        else:
            conflicts.append(f"{each.plan.tag} is commit {found[:12]}, this run made another tree")
    if conflicts:
        raise TagConflictError(
            "tags of this VERSION exist with other content; nothing was written",
            faults=conflicts,
            remedy="A tag never moves: raise VERSION. (A local trial: remove its release.git.)",
        )
    return tuple(result)


def _tree_of(commit: str, tag: str, target: Target) -> str:
    if not target.repo.has_commit(commit):
        target.repo.fetch(target.remote, f"refs/tags/{tag}")
    return target.repo.tree_of(commit)


def publish(tagged: Sequence[Tagged], workshop: Git, target: Target) -> None:
    """Push what is new: to the remote first if there is one, each time all tags or none.

    Whatever an earlier run left undone is done as well: tags that only the remote has, and
    commits that still wait to be pushed on.
    """
    new = {each.plan.tag: each.commit for each in tagged if each.state is State.NEW}
    _unstage(target.repo)
    if target.remote and new:
        # The remote's credentials are in the repository's settings, so it does the pushing.
        staged = {f"{_STAGING}/{tag}": commit for tag, commit in new.items()}
        workshop.push(str(target.repo.git_dir()), staged)
        _push_on(target, new)
        _unstage(target.repo)
    here = target.repo.tags()
    missing = {
        f"refs/tags/{each.plan.tag}": each.commit for each in tagged if each.plan.tag not in here
    }
    if missing:
        workshop.push(str(target.repo.git_dir()), missing)


def _unstage(repo: Git) -> None:
    if waiting := repo.refs_below(_STAGING):
        repo.delete_refs(waiting)


def _push_on(target: Target, new: Mapping[str, str]) -> None:
    try:
        target.repo.push(target.remote, {f"refs/tags/{tag}": c for tag, c in new.items()})
    except GitError as fault:
        raise GitError(
            f"{target.remote} took none of the tags {', '.join(new)}: {fault.what}",
            remedy="Nothing was published. If someone tagged meanwhile, run it again: it compares "
            "and goes on, or says what differs.",
        ) from fault
