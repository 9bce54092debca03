"""Turn payloads into tags: one commit a line, whose tree is the Go module, and one tag on it.

``plan_tags`` decides what each tag holds. ``make_commits`` computes the commits in a scratch
repository, ``reconcile`` compares them with existing tags; only if none conflicts does
``push_tags`` write: in each repository all tags appear at once, or none. Commit ids depend on the
source commit, the payloads and VERSION alone, so a failed run can simply be rerun.

Payloads come from a directory, and from earlier tags (``tag_index``): the commits then name blobs
that the remote has, and a push does not send them again.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import semver

from pipeline.config import tags
from pipeline.config.model import PIP_CELL, Cell, Line, Matrix
from pipeline.formats.payload.reader import Payload
from pipeline.release.module_tree import (
    TEMPLATE,
    ModuleRelease,
    PlatformPayload,
    render_tree,
    shared_blobs,
)
from pipeline.release.payload_dir import load_payloads, payload_names, require_all
from pipeline.release.split_push import MOST_BYTES, push_split
from pipeline.release.tag_index import ReusedPayloads, cell_rows
from pipeline.release.third_party_licenses import license_faults
from pipeline.system.errors import GitError, TagConflictError
from pipeline.system.files import scratch_dir
from pipeline.system.git import Commit, Git, TreeFile
from pipeline.system.scratch_repo import init_scratch, mark_shallow, shallow_commits

_OWN_REFS = "refs/goempy"
"""Where the repository keeps, during a push, the commit below the tags."""


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


class TagState(enum.Enum):
    """Whether a tag exists already."""

    NEW = "new"
    RELEASED = "already released"


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag and its commit, made or found.

    ``lacks_here`` is about the repository, ``lacks_there`` about the remote (the repository if
    there is no remote).
    """

    plan: TagPlan
    commit: str
    tree: str
    lacks_here: bool = True
    lacks_there: bool = True

    @property
    def state(self) -> TagState:
        """New until the place that it is published to has it."""
        return TagState.NEW if self.lacks_there else TagState.RELEASED


@dataclass(frozen=True, slots=True)
class Target:
    """Where tags go: ``repo``, and ``remote`` (a name or address that ``repo`` can push to)."""

    repo: Git
    remote: str = ""
    most_push_bytes: int = MOST_BYTES
    """What the remote takes at once."""


def read_payloads(cells: Sequence[Cell], matrix: Matrix, folder: Path) -> Mapping[str, Payload]:
    """The verified payload of each cell, and of ``[pip]``, by cell name.

    Raises ``PayloadError`` that names all missing ones, or the first that this matrix does not
    make.
    """
    payloads = load_payloads(cells, matrix, folder, {})
    require_all(payload_names(cells, matrix), payloads, f"{folder} lacks payloads")
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
        tag = tags.tag_name(version, line, primary=line == primary)
        release = ModuleRelease(matrix.module, module_path, str(version), tag, line)
        files = render_tree(release, mine, pip, template)
        message = _message(tag, release, mine, pip)
        plans.append(TagPlan(tag, line, module_path, files, mine, message, pip))
    return tuple(sorted(plans, key=lambda plan: tags.sort_key(plan.tag)))


def lacking_licenses(plans: Sequence[TagPlan]) -> tuple[str, ...]:
    """Software in the payloads without a licence text: one row each, the cell first."""
    manifests = {
        f"{plan.line.name}/{each.platform.name}": each.payload.manifest
        for plan in plans
        for each in plan.payloads
    }
    for pip in [plan.pip for plan in plans if plan.pip]:
        manifests[PIP_CELL] = pip.manifest
    return tuple(
        f"{name}: {fault}" for name, each in manifests.items() for fault in license_faults(each)
    )


def _message(
    tag: str, release: ModuleRelease, payloads: Sequence[PlatformPayload], pip: Payload | None
) -> str:
    platforms = " ".join(each.platform.name for each in payloads)
    parts = {each.platform.name: each.payload for each in payloads} | (
        {PIP_CELL: pip} if pip else {}
    )
    cells = cell_rows({part: each.manifest.cell_digest for part, each in parts.items()})
    return (
        f"{tag}: CPython {release.line.name}\n\n"
        f"Version: {release.version}\n"
        f"Python: {release.line.name}\n"
        f"PBS: {release.line.pbs}\n"
        f"Platforms: {platforms}\n"
        f"Module: {release.module_path}\n{cells}"
    )


@dataclass(frozen=True, slots=True)
class TagWorkspace:
    """A scratch repository ``git`` for commits on top of ``parent``, and a ``scratch`` folder."""

    target: Target
    parent: Commit
    git: Git
    scratch: Path
    report: Callable[[str], None]
    """Takes what is sent to the remote, before it is."""

    def borrow_objects(self, repositories: Iterable[Git]) -> None:
        """Let the scratch repository see their objects; it sees those of the target already."""
        for repository in repositories:
            if repository != self.target.repo:
                self.git.borrow_objects(repository)


@contextmanager
def tag_workspace(
    target: Target, source: str, scratch_root: Path, report: Callable[[str], None]
) -> Iterator[TagWorkspace]:
    """A workspace for commits on top of ``source``, removed afterwards."""
    with scratch_dir(scratch_root) as scratch:
        parent = target.repo.commit(source)
        git = init_scratch(scratch / "git", target.repo, target.remote)
        git.borrow_objects(target.repo)
        mark_shallow(git, shallow_commits(target.repo))
        yield TagWorkspace(target, parent, git, scratch, report)


def attach_objects(reused: ReusedPayloads, to: TagWorkspace) -> None:
    """Let commits name the blobs of reused payloads, and pushes leave them out."""
    to.borrow_objects(reused.repositories)
    mark_shallow(to.git, [*shallow_commits(to.git), *reused.commits])


def make_tags(plans: Sequence[TagPlan], at: TagWorkspace, *, dry_run: bool) -> tuple[Tagged, ...]:
    """Make the commits of ``plans`` and tag them.

    Nothing is written to the target when ``dry_run`` is set or when a tag exists with other
    content (``TagConflictError``, which names every such tag).
    """
    made = make_commits(plans, at.git, at.parent, at.scratch)
    tagged = reconcile(made, at.target)
    return tagged if dry_run else _publish_or_compare(tagged, at)


def _publish_or_compare(tagged: tuple[Tagged, ...], at: TagWorkspace) -> tuple[Tagged, ...]:
    """Push; if another run was faster and made the same tags, those are the release."""
    try:
        push_tags(tagged, at)
    except GitError:
        again = reconcile(tagged, at.target)
        if again == tagged:
            raise
        push_tags(again, at)
        return again
    return tagged


def make_commits(
    plans: Sequence[TagPlan], git: Git, parent: Commit, scratch: Path
) -> tuple[Tagged, ...]:
    """Compute every commit in ``git``."""
    made = []
    for plan in plans:
        ids = git.write_files(plan.files, scratch)
        tree = git.write_tree(plan.files, ids, scratch / "index")
        commit = git.write_commit(tree, parent, plan.message)
        made.append(Tagged(plan, commit, tree))
    return tuple(made)


def reconcile(made: Sequence[Tagged], target: Target) -> tuple[Tagged, ...]:
    """Find out where each tag exists; raises ``TagConflictError`` for other content."""
    here = target.repo.tags()
    there = target.repo.remote_tags(target.remote) if target.remote else here
    result, conflicts = [], []
    for each in made:
        tag = each.plan.tag
        found = {commit for commit in (there.get(tag), here.get(tag)) if commit}
        others = [commit for commit in found if _tree_of(commit, tag, target) != each.tree]
        conflicts += [
            f"{tag} is commit {commit[:12]} with files that this run did not make"
            for commit in others
        ]
        # The published commit stays: source commits may differ, content may not.
        commit = there.get(tag) or here.get(tag) or each.commit
        result.append(Tagged(each.plan, commit, each.tree, tag not in here, tag not in there))
    if conflicts:
        raise TagConflictError(
            "tags of this VERSION exist with other content; nothing was written",
            details=conflicts,
            hint="A tag never moves: raise VERSION. (A local trial: remove its release.git.)",
        )
    return tuple(result)


def _tree_of(commit: str, tag: str, target: Target) -> str:
    if not target.repo.has_commit(commit):
        target.repo.fetch(target.remote, f"refs/tags/{tag}")
    return target.repo.tree_of(commit)


def push_tags(tagged: Sequence[Tagged], at: TagWorkspace) -> None:
    """Push missing tags: to the remote first if there is one, each time all tags or none.

    Completes what an earlier run left undone.
    """
    repo, git = at.target.repo, at.git
    _tidy(repo)
    there = {f"refs/tags/{each.plan.tag}": each.commit for each in tagged if each.lacks_there}
    here = {f"refs/tags/{each.plan.tag}": each.commit for each in tagged if each.lacks_here}
    if at.target.remote and there:
        _push_out(at, there)
    if here:
        # An earlier run may have got as far as the remote: then payloads come from these tags.
        known = set(shallow_commits(git)) - set(here.values())
        mark_shallow(git, sorted(known))
        # The commits need a ref below them, and a detached, shallow checkout may have none.
        repo.call("update-ref", f"{_OWN_REFS}/source", at.parent.id)
        git.push(str(repo.git_dir()), here)
    _tidy(repo)


def _tidy(repo: Git) -> None:
    if left := repo.refs_below(_OWN_REFS):
        repo.delete_refs(left)


def _push_out(at: TagWorkspace, new: Mapping[str, str]) -> None:
    try:
        push_split(at.git, new, at.target.most_push_bytes, at.report)
    except GitError as fault:
        names = ", ".join(ref.removeprefix("refs/tags/") for ref in new)
        raise GitError(
            f"{at.target.remote} accepted none of the tags {names}: {fault.what}",
            hint="Nothing was published. If someone else pushed tags meanwhile, rerun: it compares "
            "with them, and continues or reports what differs.",
        ) from fault
