"""Rebuild a tag from its assets, by the files of its source commit, and compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.build.runner import BuildRequest, build_payloads
from pipeline.config.lock import parse_lock
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Pin
from pipeline.config.project import LOCK_FILE, MATRIX_FILE
from pipeline.config.tags import parse_version
from pipeline.formats.payload.reader import Payload
from pipeline.release.compare import compare_parts, diff_rows, stored_files
from pipeline.release.diff import commit_rows, compare
from pipeline.release.module_tree import TEMPLATE
from pipeline.release.tag_index import known_tags
from pipeline.release.tag_tree import TagTree
from pipeline.release.tagging import (
    TagWorkspace,
    Target,
    make_commits,
    plan_tags,
    read_payloads,
    tag_workspace,
)
from pipeline.sources.fetch import AssetFetcher
from pipeline.system.console import Console
from pipeline.system.errors import ConfigError, GitError, LockError, VerifyError
from pipeline.system.git import Git, GitFile, TreeFile
from pipeline.system.units import counted
from pipeline.verify.rebuild_plan import (
    CODE,
    TEMPLATE_FOLDER,
    RebuildPlan,
    ReleaseCommit,
    code_differs,
    plan_rebuild,
    read_release_commit,
)

_PACKAGE = TEMPLATE.parent


@dataclass(frozen=True, slots=True)
class ReleasedTag:
    """A release tag of ``repo``: the id and content of its commit, and the files of its source."""

    repo: Git
    id: str
    commit: ReleaseCommit
    source_files: tuple[GitFile, ...]

    def source_text(self, name: str, missing: str | None = None) -> str:
        """A file of the source commit, else ``missing``; raises ``VerifyError`` without that."""
        for file in self.source_files:
            if file.path == name:
                return self.repo.read_blob(file.id).decode("utf-8", "replace")
        if missing is None:
            raise VerifyError(
                f"commit {self.commit.source[:12]}, the source of the tag, has no {name}",
                hint="Only releases of a repository with its matrix at the root can be verified.",
            )
        return missing


@dataclass(frozen=True, slots=True)
class Comparison:
    """A tag compared with its rebuild: ``rows`` are differences, ``summary`` is a sentence."""

    summary: str
    rows: tuple[str, ...] = ()
    warning: str = ""
    reproduced: bool = True


def read_released_tag(tag: str, folder: Path, env: Mapping[str, str]) -> ReleasedTag:
    """Find a tag and its source commit; raises ``UsageError``, ``VerifyError`` and ``GitError``."""
    # An object's replacement in this clone is not what the tag holds.
    repo = Git(folder, {**env, "GIT_NO_REPLACE_OBJECTS": "1"})
    tags = known_tags(repo)
    tags.require([tag])
    commit_id = tags.commits[tag]
    commit = read_release_commit(tag, repo.commit_text(commit_id))
    if not repo.has_commit(commit.source):
        raise GitError(
            f"{folder} lacks commit {commit.source[:12]}, which the tag was made from",
            hint="Fetch it: git fetch --unshallow.",
        )
    return ReleasedTag(repo, commit_id, commit, repo.files(commit.source))


def plan_from_source(
    tag: ReleasedTag, platforms: Sequence[str]
) -> tuple[RebuildPlan, Mapping[str, Pin]]:
    """What to rebuild, and the assets' pins, by the source commit and not by the work tree."""
    try:
        matrix = parse_matrix(tag.source_text(MATRIX_FILE))
        version = parse_version(tag.source_text("VERSION"))
        primary = tag.source_text("PRIMARY_PYTHON")
        pins = parse_lock(tag.source_text(LOCK_FILE, "format = 1\n"))
        return plan_rebuild(tag.commit, matrix, version, primary, platforms), pins
    except (ConfigError, LockError) as error:
        source = tag.commit.source
        raise VerifyError(
            f"commit {source[:12]}: {error.what}",
            details=error.details,
            hint=f"Check out {source} and run its own goempy.",
        ) from error


def rebuild(
    tag: ReleasedTag, plan: RebuildPlan, fetcher: AssetFetcher, out: Path, console: Console
) -> Comparison:
    """Build the payloads into the folder ``out``, make the commit again, and compare."""
    source = tag.commit.source
    with tag_workspace(Target(tag.repo), source, out, console.info) as workspace:
        names = ", ".join(cell.name for cell in plan.cells)
        console.info(f"building {names} by the files of commit {source[:12]}")
        matrix = plan.config.matrix
        # What an earlier run compressed would prove nothing.
        request = BuildRequest(plan.cells, matrix, out, bool(matrix.wheels), cached=False)
        build_payloads(request, fetcher, console)
        payloads = read_payloads(plan.cells, matrix, out)
        if plan.platforms:
            return _compare_platforms(tag, plan, payloads, workspace)
        return _compare_tag(tag, plan, payloads, workspace, console)


def _compare_tag(
    tag: ReleasedTag,
    plan: RebuildPlan,
    payloads: Mapping[str, Payload],
    workspace: TagWorkspace,
    console: Console,
) -> Comparison:
    template = _template(tag, workspace.scratch, console)
    config = plan.config
    (tag_plan,) = plan_tags(
        config.matrix, config.version, config.primary, plan.cells, payloads, template
    )
    git = workspace.git
    (made,) = make_commits((tag_plan,), git, workspace.parent, workspace.scratch)
    name = tag.commit.tag
    what = f"{counted(len(tag_plan.files), 'file')}, from {counted(len(plan.cells), 'asset')}"
    if made.commit == tag.id:
        return Comparison(f"{name} is reproduced: commit {made.commit}, {what}")
    if made.tree != tag.repo.tree_of(tag.id):
        difference = compare(tag.repo.entries(tag.id), git.entries(made.commit))
        # Trees can differ in empty folders, which have nothing to list.
        where = f"in {difference.summary}" if difference else "in empty folders only"
        rows = tuple(diff_rows(difference, git))
        return _differs(tag, where, rows, workspace)
    rows = tuple(commit_rows(tag.repo.commit_text(tag.id), git.commit_text(made.commit)))
    return Comparison(
        f"the files of {name} are reproduced: tree {made.tree}, {what}",
        rows,
        f"{name} is commit {tag.id}, the rebuild is commit {made.commit}: the files are goempy's, "
        "the commit is not",
    )


def _compare_platforms(
    tag: ReleasedTag,
    plan: RebuildPlan,
    payloads: Mapping[str, Payload],
    workspace: TagWorkspace,
) -> Comparison:
    """Compare what belongs to the selected platforms, wherever the tag has it."""
    name, entries = tag.commit.tag, tag.repo.entries(tag.id)
    tree = TagTree(name, tag.repo, tag.id, {each.path: each for each in entries})
    parts = [(cell.name, cell.platform.name, tree) for cell in plan.cells]
    compared = compare_parts(parts, payloads, workspace)
    if rows := tuple(row for each in compared for row in each.rows):
        where = [f"{each.summary} ({each.name})" for each in compared if each.rows]
        return _differs(tag, f"in {'; '.join(where)}", rows, workspace)
    paths = frozenset[str]().union(*(each.paths for each in compared))
    return Comparison(
        f"{name} is reproduced for {', '.join(plan.platforms)}: {len(paths)} of its {len(entries)} "
        f"files, from {counted(len(plan.cells), 'asset')}; the others were not compared",
    )


def _differs(
    tag: ReleasedTag, where: str, rows: tuple[str, ...], workspace: TagWorkspace
) -> Comparison:
    warning = _code_warning(tag, workspace)
    return Comparison(
        f"the rebuild of {tag.commit.tag} differs {where}", rows, warning, reproduced=False
    )


def _template(tag: ReleasedTag, scratch: Path, console: Console) -> Path:
    """The Go module as the source commit has it; where it has none, that of this goempy."""
    source = tag.commit.source[:12]
    files = [each for each in tag.source_files if each.path.startswith(TEMPLATE_FOLDER)]
    if not files:
        console.info(f"commit {source} has no {TEMPLATE_FOLDER}; using that of this goempy")
        return TEMPLATE
    folder = scratch / "template"
    contents = tag.repo.read_blobs([each.id for each in files])
    for each, data in zip(files, contents, strict=True):
        path = folder / each.path.removeprefix(TEMPLATE_FOLDER)
        if not path.resolve().is_relative_to(folder.resolve()):
            raise VerifyError(
                f"commit {source} holds {each.path!r}, which is outside of its folder",
                hint="Trust neither the commit nor the tag.",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def _code_warning(tag: ReleasedTag, workspace: TagWorkspace) -> str:
    """A difference may come from the code that builds."""
    running = [
        TreeFile(f"{CODE}{path.relative_to(_PACKAGE).as_posix()}", source=str(path.resolve()))
        for path in sorted(_PACKAGE.rglob("*.py"))
    ]
    stored = stored_files(running, workspace.git, workspace.scratch)
    differs = code_differs(tag.source_files, stored)
    if differs:
        return (
            f"{tag.commit.tag} was built by different code: check out {tag.commit.source} and run "
            "it there to be sure"
        )
    if differs is None:
        return (
            f"commit {tag.commit.source[:12]} has no code of goempy, so the version that made "
            f"{tag.commit.tag} is unknown; only the same version makes the same files"
        )
    return ""
