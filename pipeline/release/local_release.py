"""A whole release on this machine: plan, build and tag into a bare repository."""

from __future__ import annotations

import dataclasses
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.build.runner import BuildRequest, Built, build_payloads
from pipeline.config.cells import find_primary, select_cells
from pipeline.config.model import LOCAL, PIP_CELL, Cell, Matrix, Pin
from pipeline.config.project import Config, read_primary, read_version
from pipeline.formats.payload.reader import Payload
from pipeline.release.finalize import check_licenses, plan_release_tags, warn_if_dirty
from pipeline.release.payload_dir import load_payloads
from pipeline.release.tag_index import expected_digests, known_tags
from pipeline.release.tagging import Tagged, Target, attach_objects, make_tags, tag_workspace
from pipeline.sources import local_interpreter
from pipeline.sources.fetch import AssetFetcher
from pipeline.system.console import Console
from pipeline.system.errors import GitError, UsageError
from pipeline.system.git import Git, init_bare
from pipeline.system.process import ProcessResult, run


@dataclass(frozen=True, slots=True)
class LocalRelease:
    """A release that was made: ``reused`` payloads of earlier tags are by cell name."""

    repo: Git
    built: Built
    reused: Mapping[str, Payload]
    tagged: tuple[Tagged, ...]


def make_release(
    config: Config, request: BuildRequest, fetcher: AssetFetcher, checkout: Git, repo: Path
) -> LocalRelease:
    """Build what no tag of the bare repository ``repo`` holds, and tag all of it there.

    The commits are on top of that of ``checkout``. Raises a ``PipelineError``.
    """
    console, pins = fetcher.console, fetcher.pins
    bare = _release_repository(checkout, repo, console)
    # All of its tags are here, so nothing is fetched and no scratch space needed.
    known = known_tags(bare, "", request.out)
    wanted = expected_digests(request.cells, config.matrix, pins)
    found = known.find(wanted)
    to_build = tuple(cell for cell in request.cells if cell.name not in found)
    wheels = request.wheels and PIP_CELL not in found
    built = build_payloads(
        dataclasses.replace(request, cells=to_build, wheels=wheels), fetcher, console
    )
    reused = known.reuse(found, wanted)
    with tag_workspace(Target(bare), "HEAD", request.out, console.info) as workspace:
        attach_objects(reused, workspace)
        # What another run left in the folder is not looked at.
        matrix = config.matrix if wheels else dataclasses.replace(config.matrix, wheels=())
        made = load_payloads(to_build, matrix, request.out, pins)
        payloads = {**made, **reused.payloads}
        plans = plan_release_tags(config, request.cells, payloads, console)
        check_licenses(plans, console, required=False)
        tagged = make_tags(plans, workspace, dry_run=False)
    return LocalRelease(bare, built, reused.payloads, tagged)


def _release_repository(checkout: Git, folder: Path, console: Console) -> Git:
    """The bare repository, its ``main`` at the checkout's commit."""
    try:
        git_dir = checkout.git_dir()
        head = checkout.commit("HEAD").id
    except GitError as fault:
        raise GitError(
            f"{checkout.folder} has no commit to release from ({fault.what})",
            hint="Run it in a git clone of goempy: tags are commits on top of the source's.",
        ) from fault
    warn_if_dirty(checkout, console)
    repo = init_bare(folder, checkout.env, like=checkout)
    repo.fetch(str(git_dir), f"+{head}:refs/heads/main")
    return repo


@dataclass(frozen=True, slots=True)
class LocalLines:
    """Lines made from interpreters of this machine; their assets are in a folder."""

    matrix: Matrix
    cells: tuple[Cell, ...]
    pins: Mapping[str, Pin]


def pack_interpreters(
    pythons: Iterable[str],
    matrix: Matrix,
    folder: Path,
    console: Console,
    platforms: Sequence[str] = (),
    *,
    dry_run: bool = False,
) -> LocalLines:
    """Pack interpreters into ``folder`` as assets; ``platforms`` select cells by name.

    A dry run packs and pins none. Raises ``InterpreterError``, and ``UsageError`` for two of the
    same version.
    """
    found: dict[str, local_interpreter.Interpreter] = {}
    cells: list[Cell] = []
    for python in dict.fromkeys(pythons):
        each = local_interpreter.ask(python, run_tool)
        platform = local_interpreter.platform_for(each, matrix.platforms)
        line = local_interpreter.line_of(each, platform)
        if line.name in found:
            raise UsageError(
                f"two of the interpreters are CPython {line.name}, and both would be one tag",
                hint="Name only one of them with --python.",
            )
        found[line.name] = each
        cells.append(Cell(line, platform))
    selected = select_cells(cells, platforms=platforms)
    pins: dict[str, Pin] = {}
    for cell in () if dry_run else selected:
        packed = found[cell.line.name]
        console.info(f"packing CPython {packed.version} of {packed.executable}")
        asset = local_interpreter.make_asset(packed, cell, folder, run_tool)
        pins[asset.name] = Pin(asset.release, asset.name, asset.sha256, asset.size_bytes)
    # Only this machine vouches for these assets.
    lines = tuple(cell.line for cell in cells)
    local = dataclasses.replace(matrix, lines=lines, archive=LOCAL, attest=False)
    return LocalLines(local, selected, pins)


def local_config(matrix: Matrix, root: Path, primary: str) -> Config:
    """The configuration of local lines; ``primary`` is ``--primary``, or empty.

    The primary line is that, else that of PRIMARY_PYTHON, else the first.
    """
    if primary:
        line = find_primary(matrix.lines, primary, where="--primary", error=UsageError)
    else:
        usual = read_primary(root)
        named = [each for each in matrix.lines if usual in {each.name, each.python.minor_line}]
        line = named[0] if len(named) == 1 else matrix.lines[0]
    return Config(matrix, read_version(root), line)


def run_tool(command: Sequence[str]) -> ProcessResult:
    """Run a program of this Python environment, else of PATH; raises ``ToolError``."""
    beside = Path(sysconfig.get_path("scripts"), command[0])
    program = str(beside) if beside.is_file() else command[0]
    return run([program, *command[1:]], timeout_s=60)
