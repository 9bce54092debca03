"""What has to be rebuilt to tell whether a tag is what its sources make. Pure.

A release commit tells in its message what it holds and by its parent what it was made from
(``finalize``). ``plan_rebuild`` holds the two against each other.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import semver

from pipeline.config import cells as plan
from pipeline.config import tags
from pipeline.config.model import LOCAL, Cell, Line, Matrix
from pipeline.system.errors import PipelineError, VerifyError
from pipeline.system.git import GitFile

CODE = "pipeline/"
TEMPLATE_FOLDER = f"{CODE}gomodule/"
"""Where the source commit has the Go module."""
_KEYS = ("Version", "Python", "PBS", "Platforms", "Module")
_SUBJECT = re.compile(r"(\S+): CPython \S+")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a release commit says of itself; ``source`` is the id of its parent."""

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


def read_release(tag: str, commit: str) -> Recorded:
    """Read the text of the commit that ``tag`` names.

    Raises ``VerifyError`` for what is no release, the release of another tag, or one that was made
    from interpreters of a machine: nobody else can make that again.
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
            hint="Name a tag of a release. (A shallow clone hides parents: git fetch --unshallow.)",
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
            hint="It cannot be made again elsewhere; release it from assets to verify it.",
        )
    return Recorded(
        tag, fields["Version"], fields["Python"], fields["PBS"],
        tuple(fields["Platforms"].split()), fields["Module"], parents[0],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rebuild:
    """What to build so that it can be compared; ``parts`` are the platforms, if not all."""

    recorded: Recorded
    matrix: Matrix
    version: semver.Version
    primary: Line
    cells: tuple[Cell, ...]
    parts: tuple[str, ...] = ()


def plan_rebuild(
    recorded: Recorded,
    matrix: Matrix,
    version: semver.Version,
    primary: str,
    platforms: Sequence[str] = (),
) -> Rebuild:
    """The cells of the tag, by the files of its source commit; ``primary`` is PRIMARY_PYTHON.

    ``platforms`` chooses some of the tag's (``UsageError`` for others). Raises ``VerifyError``
    where the source commit makes no such release.
    """
    matrix = dataclasses.replace(matrix, module=recorded.base_path)
    first = plan.find_primary(matrix.lines, primary)
    lines = [each for each in matrix.lines if (each.name, each.pbs) == _line_of(recorded)]
    cells = [each for each in plan.all_cells(matrix) if each.line in lines]
    wanted = tuple(each for each in cells if each.platform.name in recorded.platforms)
    if faults := list(_contradictions(recorded, version, first, lines, wanted)):
        raise VerifyError(
            f"commit {recorded.source[:12]}, which {recorded.tag} names as its source, does not "
            "make it",
            details=faults,
            hint="The tag was made from files that are in no commit, or by someone else.",
        )
    if not platforms:
        return Rebuild(recorded, matrix, version, first, wanted)
    some = plan.select_cells(wanted, platforms=platforms)
    names = tuple(each.platform.name for each in some)
    # Package pip belongs to no platform.
    matrix = dataclasses.replace(matrix, wheels=())
    return Rebuild(recorded, matrix, version, first, some, names)


def _line_of(recorded: Recorded) -> tuple[str, str]:
    return recorded.python, recorded.pbs


def _contradictions(
    recorded: Recorded,
    version: semver.Version,
    primary: Line,
    lines: Sequence[Line],
    cells: Sequence[Cell],
) -> Iterator[str]:
    if str(version) != recorded.version:
        yield f"VERSION is {version} there, and {recorded.version} in the tag"
    if not lines:
        yield f"matrix.toml has no line {recorded.python} of PBS {recorded.pbs}"
        return
    made = tags.tag_name(version, lines[0], primary=lines[0] == primary)
    if made != recorded.tag:
        yield f"line {recorded.python} is released as {made} there"
    known = {each.platform.name for each in cells}
    for name in recorded.platforms:
        if name not in known:
            yield f"line {recorded.python} has no platform {name}"


def other_code(source: Sequence[GitFile], running: Sequence[GitFile]) -> bool | None:
    """Whether the code of the source commit is other than the code that runs.

    Both by their paths in the repository. ``None`` where the commit has no code: its goempy was
    installed.
    """
    then = {each.path: each.id for each in source if is_code(each.path)}
    now = {each.path: each.id for each in running if is_code(each.path)}
    return then != now if then else None


def is_code(path: str) -> bool:
    """Whether a file of the repository is code of the pipeline."""
    return path.startswith(CODE) and path.endswith(".py") and not path.startswith(TEMPLATE_FOLDER)


def unreadable(recorded: Recorded, fault: PipelineError) -> VerifyError:
    """The error for a source commit whose files this code does not understand."""
    return VerifyError(
        f"commit {recorded.source[:12]}: {fault.what}",
        details=fault.details,
        hint=f"Check out {recorded.source} and run its own goempy.",
    )
