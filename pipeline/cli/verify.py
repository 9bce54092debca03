"""``goempy verify``: make a tag again from its assets, and compare."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.build.runner import BuildRequest, build_payloads
from pipeline.cli.requests import VerifyRequest
from pipeline.cli.workspace import Session
from pipeline.config.lock import parse_lock
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Cell
from pipeline.config.project import LOCK_FILE, MATRIX_FILE
from pipeline.config.tags import parse_version
from pipeline.formats.payload.reader import Payload
from pipeline.release import tagging as finalizing
from pipeline.release.compare import diff_rows, part_files, stored_files
from pipeline.release.diff import TreeDiff, commit_rows, compare, part_of
from pipeline.release.module_tree import TEMPLATE
from pipeline.system.errors import ConfigError, GitError, LockError, UsageError, VerifyError
from pipeline.system.files import scratch_dir
from pipeline.system.git import Git, GitFile, TreeFile, init_bare
from pipeline.system.suggest import near_names
from pipeline.verify.rebuild_plan import (
    TEMPLATE_FOLDER,
    Rebuild,
    Recorded,
    is_code,
    other_code,
    plan_rebuild,
    read_release,
    unreadable,
)

_PACKAGE = TEMPLATE.parent


@dataclass(frozen=True, slots=True)
class RebuildWorkspace:
    """Where a tag is made again: its repository, one for new objects, and scratch space."""

    repo: Git
    workshop: Git
    commit: str
    """The id of the commit that the tag names."""
    payloads: Path
    scratch: Path


@dataclass(frozen=True, slots=True)
class SourceTree:
    """What a release was made from: the files of its source commit, by path."""

    repo: Git
    commit: str
    files: tuple[GitFile, ...]

    def text(self, name: str, missing: str | None = None) -> str:
        """A file's text; where there is none ``missing``, or ``VerifyError`` without that."""
        ids = [each.id for each in self.files if each.path == name]
        if not ids and missing is None:
            raise VerifyError(
                f"commit {self.commit[:12]}, which the tag names as its source, has no {name}",
                hint="Only releases of a repository with its matrix at the root can be verified.",
            )
        return self.repo.read_blob(ids[0]).decode("utf-8", "replace") if ids else missing or ""


def verify(request: VerifyRequest, session: Session) -> None:
    """Rebuild a tag and tell whether it is the same."""
    # What this clone alone puts in an object's place is not what the tag holds.
    repo = Git(
        (request.repo or session.root).resolve(), {**session.env, "GIT_NO_REPLACE_OBJECTS": "1"}
    )
    repo.git_dir()
    commit = _commit_of(request.tag, repo)
    recorded = read_release(request.tag, repo.commit_text(commit))
    source = _source(repo, recorded.source)
    rebuild = _plan(recorded, source, request.platforms, session)
    with _bench(request.out, session, repo, commit) as bench:
        payloads = _build(rebuild, request.source, source, bench, session)
        if rebuild.parts:
            _compare_parts(rebuild, payloads, source, bench, session)
        else:
            _compare_all(rebuild, payloads, source, bench, session)


def _commit_of(tag: str, repo: Git) -> str:
    known = repo.tags()
    if tag not in known:
        raise UsageError(
            f"{repo.folder} has no such tag",
            details=[near_names("tag", tag, known)],
            hint="Fetch the tags (git fetch --tags), or name another repository with --repo.",
        )
    return known[tag]


def _source(repo: Git, commit: str) -> SourceTree:
    if not repo.has_commit(commit):
        raise GitError(
            f"{repo.folder} lacks commit {commit[:12]}, which the tag was made from",
            hint="Fetch it: git fetch --unshallow --tags.",
        )
    return SourceTree(repo, commit, repo.files(commit))


def _plan(
    recorded: Recorded, source: SourceTree, platforms: Sequence[str], session: Session
) -> Rebuild:
    """What to rebuild, by the files of the source commit and not those of the work tree."""
    try:
        matrix = parse_matrix(source.text(MATRIX_FILE))
        version = parse_version(source.text("VERSION"))
        rebuild = plan_rebuild(recorded, matrix, version, source.text("PRIMARY_PYTHON"), platforms)
    except ConfigError as fault:
        raise unreadable(recorded, fault) from fault
    if matrix.module != rebuild.matrix.module:
        session.console.info(f"the tag is module {recorded.module}, as --module makes it")
    return rebuild


@contextmanager
def _bench(
    out: Path | None, session: Session, repo: Git, commit: str
) -> Iterator[RebuildWorkspace]:
    """In the user's folder, or in one that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="goempy-verify-") as folder:
        payloads = out.resolve() if out else Path(folder) / "payloads"
        with session.alone_in(payloads), scratch_dir(payloads) as scratch:
            workshop = init_bare(scratch / "git", repo.env, like=repo)
            workshop.borrow_objects(repo)
            yield RebuildWorkspace(repo, workshop, commit, payloads, scratch)


def _build(
    rebuild: Rebuild, assets: str, source: SourceTree, bench: RebuildWorkspace, session: Session
) -> Mapping[str, Payload]:
    """Every payload, made anew; ``assets`` is what the user named as their source."""
    matrix, cells = rebuild.matrix, rebuild.cells
    try:
        pins = parse_lock(source.text(LOCK_FILE, "format = 1\n"))
    except LockError as fault:
        raise unreadable(rebuild.recorded, fault) from fault
    names = ", ".join(cell.name for cell in cells)
    session.console.info(f"building {names} by the files of commit {source.commit[:12]}")
    wheels = bool(matrix.wheels)
    request = BuildRequest(cells, matrix, bench.payloads, wheels)
    fetcher = session.fetcher(matrix, session.source(assets), pins)
    build_payloads(request, fetcher, session.console)
    return finalizing.read_payloads(cells, matrix, bench.payloads)


def _compare_all(
    rebuild: Rebuild,
    payloads: Mapping[str, Payload],
    source: SourceTree,
    bench: RebuildWorkspace,
    session: Session,
) -> None:
    """Make the commit again, and compare."""
    template = _template(source, bench.scratch, session)
    (plan,) = finalizing.plan_tags(
        rebuild.matrix, rebuild.version, rebuild.primary, rebuild.cells, payloads, template
    )
    parent = bench.repo.commit(source.commit)
    (made,) = finalizing.make_commits((plan,), bench.workshop, parent, bench.scratch)
    what = f"{len(plan.files)} files, from {_count(rebuild.cells)}"
    tag = rebuild.recorded.tag
    if made.commit == bench.commit:
        session.console.result(f"{tag} is reproduced: commit {made.commit}, {what}")
        return
    if made.tree != bench.repo.tree_of(bench.commit):
        files = bench.workshop.entries(made.commit)
        raise _differs(
            compare(bench.repo.entries(bench.commit), files), tag, source, bench, session
        )
    rows = commit_rows(
        bench.repo.commit_text(bench.commit), bench.workshop.commit_text(made.commit)
    )
    for row in rows:
        session.console.result(row)
    session.console.result(f"the files of {tag} are reproduced: tree {made.tree}, {what}")
    session.console.warning(
        f"{tag} is commit {bench.commit}, the rebuild is commit {made.commit}: someone else than "
        "goempy wrote the commit, though not its files"
    )


def _compare_parts(
    rebuild: Rebuild,
    payloads: Mapping[str, Payload],
    source: SourceTree,
    bench: RebuildWorkspace,
    session: Session,
) -> None:
    """Compare what belongs to the chosen platforms, wherever in the tag it stands."""
    entries = bench.repo.entries(bench.commit)
    theirs: list[GitFile] = []
    ours: list[GitFile] = []
    for cell in rebuild.cells:
        payload, name = payloads[cell.name], cell.platform.name
        ours += stored_files(part_files(name, payload), bench.workshop, bench.scratch)
        theirs += part_of(entries, name, [blob.name for blob in payload.blobs])
    tag = rebuild.recorded.tag
    if difference := compare(theirs, ours):
        raise _differs(difference, tag, source, bench, session)
    session.console.result(
        f"{tag} is reproduced for {', '.join(rebuild.parts)}: {len(ours)} of its {len(entries)} "
        f"files, from {_count(rebuild.cells)}; the others were not compared"
    )


def _count(cells: Sequence[Cell]) -> str:
    return "1 asset" if len(cells) == 1 else f"{len(cells)} assets"


def _template(source: SourceTree, scratch: Path, session: Session) -> Path:
    """The Go module as the source commit has it; where it has none, that of this goempy."""
    files = [each for each in source.files if each.path.startswith(TEMPLATE_FOLDER)]
    if not files:
        session.console.info(
            f"commit {source.commit[:12]} has no {TEMPLATE_FOLDER}; the one of this goempy is taken"
        )
        return TEMPLATE
    folder = scratch / "template"
    contents = source.repo.read_blobs([each.id for each in files])
    for each, data in zip(files, contents, strict=True):
        path = folder / each.path.removeprefix(TEMPLATE_FOLDER)
        if not path.resolve().is_relative_to(folder.resolve()):
            raise VerifyError(
                f"commit {source.commit[:12]} holds {each.path!r}, which leaves its folder",
                hint="Trust neither the commit nor the tag.",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def _differs(
    difference: TreeDiff, tag: str, source: SourceTree, bench: RebuildWorkspace, session: Session
) -> VerifyError:
    """List what differs; the result is the error to raise."""
    for row in diff_rows(difference, bench.workshop):
        session.console.result(row)
    _tell_of_code(tag, source, bench, session)
    # Trees can differ in empty folders, which hold nothing that could be listed.
    what = f"in {difference.summary}" if difference else "though no file does: in empty folders"
    return VerifyError(
        f"the rebuild of {tag} differs {what}",
        hint="The list says where. A tag of the same code, files and assets that differs was "
        "not made by them: compare it with its publisher's, and do not use it.",
    )


def _tell_of_code(tag: str, source: SourceTree, bench: RebuildWorkspace, session: Session) -> None:
    """A difference may come from the code that builds."""
    running = [
        TreeFile(f"pipeline/{path.relative_to(_PACKAGE).as_posix()}", source=str(path.resolve()))
        for path in sorted(_PACKAGE.rglob("*.py"))
    ]
    running = [file for file in running if is_code(file.path)]
    other = other_code(source.files, stored_files(running, bench.workshop, bench.scratch))
    if other:
        session.console.warning(
            f"{tag} was built by other code than this: check out {source.commit} and run it there "
            "to be sure"
        )
    elif other is None:
        session.console.warning(
            f"commit {source.commit[:12]} holds no code of goempy, so which one made {tag} is not "
            "known; the same version is needed for the same files"
        )
