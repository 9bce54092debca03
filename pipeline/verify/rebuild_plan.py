"""What to rebuild to compare a tag with its sources. Pure.

A release commit says in its message what it holds, and its parent is what it was made from.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import semver

from pipeline.config.cells import find_primary, select_cells
from pipeline.config.model import LOCAL, Cell, Matrix
from pipeline.config.project import Config
from pipeline.system.errors import VerifyError
from pipeline.system.git import GitFile

CODE = "pipeline/"
TEMPLATE_FOLDER = f"{CODE}gomodule/"
"""Where the source commit has the Go module."""
_KEYS = ("Version", "Python", "PBS", "Platforms", "Module")
_SUBJECT = re.compile(r"(\S+): CPython \S+")


@dataclass(frozen=True, slots=True)
class ReleaseCommit:
    """What a release commit says; ``source`` is the id of its parent."""

    tag: str
    version: str
    python: str
    pbs: str
    platforms: tuple[str, ...]
    module: str
    source: str

    @property
    def base_path(self) -> str:
        """The module path without ``/vN``."""
        major = self.version.partition(".")[0]
        return self.module.removesuffix(f"/v{major}") if int(major) >= 2 else self.module


def read_release_commit(tag: str, commit: str) -> ReleaseCommit:
    """Read the text of the commit that ``tag`` names.

    Raises ``VerifyError`` for what is not a release, the release of a different tag, or one of a
    machine's own interpreters, which cannot be rebuilt elsewhere.
    """
    head, _empty, message = commit.partition("\n\n")
    fields = dict(re.findall(rf"^({'|'.join(_KEYS)}): (.+)$", message, re.MULTILINE))
    parents = re.findall(r"^parent (\S+)$", head, re.MULTILINE)
    faults = [f"its message has no line {key!r}" for key in _KEYS if key not in fields]
    if not faults and not re.fullmatch(r"\d+\.\d+\.\d+", fields["Version"]):
        faults.append(f"its Version is {fields['Version']!r}")
    if len(parents) != 1:
        faults.append(f"it has {len(parents)} parents")
    if faults:
        raise VerifyError(
            f"{tag} is not a release that goempy made",
            details=faults,
            hint="Name a release tag. (A shallow clone hides parents: git fetch --unshallow.)",
        )
    subject = _SUBJECT.match(message)
    if subject and subject[1] != tag:
        raise VerifyError(
            f"{tag} names the commit that was released as {subject[1]}",
            hint="Someone moved or copied the tag; compare it with the remote's.",
        )
    if fields["PBS"] == LOCAL:
        raise VerifyError(
            f"{tag} was made from interpreters of a machine (release --local)",
            hint="It cannot be rebuilt elsewhere; only releases made from assets can be verified.",
        )
    return ReleaseCommit(
        tag, fields["Version"], fields["Python"], fields["PBS"],
        tuple(fields["Platforms"].split()), fields["Module"], parents[0],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RebuildPlan:
    """What to build and compare; ``platforms`` are names, empty if it is the whole tag."""

    commit: ReleaseCommit
    config: Config
    cells: tuple[Cell, ...]
    custom_module: bool
    """Whether the tag's module path is not that of matrix.toml."""
    platforms: tuple[str, ...] = ()


def plan_rebuild(
    commit: ReleaseCommit,
    matrix: Matrix,
    version: semver.Version,
    primary: str,
    platforms: Sequence[str] = (),
) -> RebuildPlan:
    """The cells of the tag, by the files of its source commit; ``primary`` is PRIMARY_PYTHON.

    ``platforms`` selects some of the tag's (``UsageError`` for others). Raises ``VerifyError``
    where the source commit makes no such release.
    """
    custom_module = matrix.module != commit.base_path
    matrix = dataclasses.replace(matrix, module=commit.base_path)
    config = Config(matrix, version, find_primary(matrix.lines, primary))
    line = (commit.python, commit.pbs)
    line_cells = [cell for cell in config.cells() if (cell.line.name, cell.line.pbs) == line]
    cells = tuple(cell for cell in line_cells if cell.platform.name in commit.platforms)
    if faults := list(_contradictions(commit, config, line_cells)):
        raise VerifyError(
            f"commit {commit.source[:12]}, the source of {commit.tag}, does not make this tag",
            details=faults,
            hint="The tag was made from uncommitted files, or by someone else.",
        )
    if not platforms:
        return RebuildPlan(commit, config, cells, custom_module)
    cells = select_cells(cells, platforms=platforms)
    # Package pip belongs to no platform.
    config = dataclasses.replace(config, matrix=dataclasses.replace(matrix, wheels=()))
    names = tuple(cell.platform.name for cell in cells)
    return RebuildPlan(commit, config, cells, custom_module, names)


def _contradictions(
    commit: ReleaseCommit, config: Config, line_cells: Sequence[Cell]
) -> Iterator[str]:
    if str(config.version) != commit.version:
        yield f"VERSION is {config.version} there, and {commit.version} in the tag"
    if not line_cells:
        yield f"matrix.toml has no line {commit.python} of PBS {commit.pbs}"
        return
    made = config.tag_of(line_cells[0].line)
    if made != commit.tag:
        yield f"line {commit.python} is released as {made} there"
    known = {cell.platform.name for cell in line_cells}
    for name in commit.platforms:
        if name not in known:
            yield f"line {commit.python} has no platform {name}"


def code_differs(source: Sequence[GitFile], running: Sequence[GitFile]) -> bool | None:
    """Whether the pipeline's code in the source commit differs from the running one.

    Paths are relative to the repository. ``None`` where the commit has no such code: its goempy
    was installed.
    """
    then = {each.path: each.id for each in source if _is_code(each.path)}
    now = {each.path: each.id for each in running if _is_code(each.path)}
    return then != now if then else None


def _is_code(path: str) -> bool:
    return path.startswith(CODE) and path.endswith(".py") and not path.startswith(TEMPLATE_FOLDER)
