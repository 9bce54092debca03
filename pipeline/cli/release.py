"""``goempy finalize`` and ``goempy release``: from payloads, or from nothing, to tags."""

from __future__ import annotations

import dataclasses
import shlex
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.build.runner import BuildRequest, BuiltCell, build_payloads
from pipeline.cli.built_table import show_built
from pipeline.cli.requests import FinalizeRequest, ReleaseRequest
from pipeline.cli.supply import PayloadResolver
from pipeline.cli.workspace import Session
from pipeline.config import cells as plan
from pipeline.config import tags
from pipeline.config.model import LOCAL, PIP_CELL, Asset, Cell, Line, Matrix, Pin
from pipeline.config.project import Config
from pipeline.formats.payload.reader import Payload
from pipeline.release import tagging as finalizing
from pipeline.release.payload_dir import load_payloads
from pipeline.release.tag_index import expected_digests, find, known_tags, take
from pipeline.release.tagging import Tagged, TagPlan, TagState, Target
from pipeline.release.third_party_licenses import FILE_NAME as NOTICES
from pipeline.sources import local_interpreter as local
from pipeline.sources.download import verify_digest
from pipeline.sources.source import AssetSource, FolderSource
from pipeline.system.errors import ConfigError, GitError, LicenseError
from pipeline.system.git import Git, init_bare
from pipeline.system.process import ProcessResult, run
from pipeline.system.scratch_repo import remote_address
from pipeline.system.tables import Column, markdown_table
from pipeline.system.units import human_bytes, human_seconds


@dataclass(frozen=True, slots=True)
class Work:
    """What to build and where from."""

    cells: tuple[Cell, ...]
    matrix: Matrix
    source: AssetSource
    pins: Mapping[str, Pin]
    out: Path
    wheels: bool


def finalize(request: FinalizeRequest, session: Session) -> None:
    """Tag the payloads of a directory."""
    config = session.config(request.module)
    cells = config.cells(request.selection)
    repo = Git(request.repo.resolve(), session.env)
    repo.git_dir()
    target = Target(repo, remote_address(request.push, repo))
    folder = request.payloads.resolve()
    _warn_if_dirty(session)
    with session.alone_in(folder), finalizing.tag_workspace(target, "HEAD", folder) as bench:
        built = load_payloads(cells, config.matrix, folder, session.pins())
        known = known_tags(repo, target.remote, bench.scratch)
        supply = PayloadResolver(config, cells, known, bench, session)
        if supply.is_released():
            supply.compare(built, strict=request.rebuild)
            if request.rebuild:
                return
        payloads, origins = supply.complete(built)
        plans = _plan_tags(config, cells, payloads, session)
        _mind_licenses(plans, session, strict=bool(request.push) and not request.without_licenses)
        tagged = finalizing.finalize(plans, bench, dry_run=request.dry_run)
    _show_tags(tagged, session)
    _summarize(tagged, origins, session)
    if request.dry_run:
        session.console.info("dry run: nothing was written")
    else:
        new = [each.plan.tag for each in tagged if each.state is TagState.NEW]
        session.output("tags", " ".join(new))


def release(request: ReleaseRequest, session: Session) -> None:
    """Plan, build and finalize into ``DIR/release.git``."""
    out = request.out.resolve()
    if request.local:
        with tempfile.TemporaryDirectory(prefix="goempy-local-") as folder:
            config, work = _local_work(request, session, Path(folder), out)
            _carry_out(request, session, config, work, out)
        return
    config = session.config(request.module)
    work = Work(
        config.cells(request.selection),
        config.matrix,
        session.source(request.source),
        session.pins(),
        out / "payloads",
        wheels=bool(config.matrix.wheels),
    )
    _carry_out(request, session, config, work, out)


def _carry_out(
    request: ReleaseRequest, session: Session, config: Config, work: Work, out: Path
) -> None:
    if request.dry_run:
        _show_plan(config, work, session)
        return
    with session.alone_in(work.out):
        _make_release(session, config, work, out)


def _make_release(session: Session, config: Config, work: Work, out: Path) -> None:
    began = session.console.clock()
    repo = _release_repository(session, out / "release.git")
    # All of its tags are here, so nothing is fetched and no scratch space needed.
    known = known_tags(repo, "", work.out)
    wanted = expected_digests(work.cells, config.matrix, work.pins)
    found = find(wanted, known)
    to_build = tuple(cell for cell in work.cells if cell.name not in found)
    wheels = work.wheels and PIP_CELL not in found
    built = build_payloads(
        BuildRequest(to_build, work.matrix, work.out, wheels),
        session.fetcher(work.matrix, work.source, work.pins),
        session.console,
    )
    taken = take(found, wanted, known)
    with finalizing.tag_workspace(Target(repo), "HEAD", work.out) as bench:
        finalizing.attach_objects(taken, bench)
        # What another run left in the folder is not looked at.
        asked = config.matrix if wheels else dataclasses.replace(config.matrix, wheels=())
        payloads = {**load_payloads(to_build, asked, work.out, work.pins), **taken.payloads}
        plans = _plan_tags(config, work.cells, payloads, session)
        _mind_licenses(plans, session, strict=False)
        tagged = finalizing.finalize(plans, bench, dry_run=False)
    show_built(built, session, taken.payloads)
    session.console.result("")
    _show_tags(tagged, session, built.cells)
    session.console.result(
        f"\n{repo.folder}: {len(tagged)} tags in {human_seconds(session.console.clock() - began)}\n"
    )
    for row in how_to_use(repo.folder, tagged):
        session.console.result(row)


def _plan_tags(
    config: Config, cells: Sequence[Cell], payloads: Mapping[str, Payload], session: Session
) -> tuple[TagPlan, ...]:
    plans = finalizing.plan_tags(config.matrix, config.version, config.primary, cells, payloads)
    session.console.info(f"tagging {', '.join(each.tag for each in plans)}")
    return plans


def _mind_licenses(plans: Sequence[TagPlan], session: Session, *, strict: bool) -> None:
    """Tell what lacks licence texts; when ``strict``, raise ``LicenseError``."""
    faults = finalizing.lacking_licenses(plans)
    if not faults:
        return
    if strict:
        raise LicenseError(
            "payloads lack licence texts of what is in them; nothing was written",
            details=faults,
            hint='Build them of full archives (archive = "full" in matrix.toml), pin wheels that '
            "bring their texts, or take it upon you with --without-licenses.",
        )
    session.console.warning(
        f"payloads lack licence texts of what is in them; {NOTICES} on their tags says so"
    )
    for fault in faults:
        session.console.info(f"  - {fault}")


def _release_repository(session: Session, folder: Path) -> Git:
    """The bare repository, its ``main`` at the checkout's commit."""
    checkout = Git(session.root, session.env)
    try:
        git_dir = checkout.git_dir()
        head = checkout.commit("HEAD").id
    except GitError as fault:
        raise GitError(
            f"{session.root} has no commit to release from ({fault.what})",
            hint="Run it in a git clone of goempy: tags are commits on top of the source's.",
        ) from fault
    _warn_if_dirty(session)
    repo = init_bare(folder, session.env, like=checkout)
    repo.fetch(str(git_dir), f"+{head}:refs/heads/main")
    return repo


def _warn_if_dirty(session: Session) -> None:
    """The tags hold the files as they are, and name a commit as their source."""
    checkout = Git(session.root, session.env)
    try:
        if checkout.is_clean():
            return
        head = checkout.commit("HEAD").id
    except GitError:
        return  # not a checkout; whoever needs one says so
    session.console.warning(
        f"{session.root} has changes that are not committed; the tags will hold them, but name "
        f"commit {head[:12]} as their source"
    )


def _local_work(
    request: ReleaseRequest, session: Session, folder: Path, out: Path
) -> tuple[Config, Work]:
    """Lines and assets made from interpreters of this machine."""
    # Nobody but this machine says anything of what it has.
    matrix = dataclasses.replace(session.matrix(request.module), archive=LOCAL, attest=False)
    lines: dict[str, Line] = {}
    pins: dict[str, Pin] = {}
    cells: list[Cell] = []
    for python in dict.fromkeys(request.pythons or (sys.executable,)):
        found = local.ask(python, _run_tool)
        platform = local.platform_for(found, matrix.platforms)
        session.console.info(f"packing CPython {found.version} of {found.executable}")
        line, asset = local.make_asset(found, platform, folder, _run_tool)
        if line.name in lines:
            raise ConfigError(
                f"two of the interpreters are CPython {line.name}, and both would be one tag",
                hint="Name only one of them with --python.",
            )
        lines[line.name] = line
        pins[asset.name] = _pin(asset)
        cells.append(Cell(line, platform))
    matrix = dataclasses.replace(matrix, lines=tuple(lines.values()))
    chosen = plan.select_cells(cells, platforms=request.selection.platforms)
    config = Config(matrix, session.version(), _local_primary(matrix, request.primary, session))
    source = FolderSource(folder, verify_digest)
    work = Work(chosen, matrix, source, pins, out / "payloads", wheels=bool(matrix.wheels))
    return config, work


def _local_primary(matrix: Matrix, wanted: str, session: Session) -> Line:
    """The one that is asked for, else that of PRIMARY_PYTHON, else the first."""
    if wanted:
        return plan.find_primary(matrix.lines, wanted, where="--primary")
    usual = session.primary_text()
    named = [line for line in matrix.lines if usual in {line.name, line.python.minor_line}]
    return named[0] if len(named) == 1 else matrix.lines[0]


def _pin(asset: Asset) -> Pin:
    return Pin(asset.release, asset.name, asset.sha256, asset.size_bytes)


def _show_plan(config: Config, work: Work, session: Session) -> None:
    rows = [[cell.name, config.tag_of(cell.line)] for cell in work.cells]
    rows += [[PIP_CELL, "all"]] if work.wheels else []
    session.console.table([Column("cell"), Column("tag")], rows)
    session.console.info(f"dry run: would build {len(rows)} cells from {work.source.title}")


def _show_tags(tagged: Sequence[Tagged], session: Session, built: Sequence[BuiltCell] = ()) -> None:
    """A row a tag, the highest last, as Go sorts them."""
    seconds = dict.fromkeys((each.plan.line for each in tagged), 0.0)
    for each in built:
        seconds[each.result.cell.line] += each.seconds
    rows = [
        [
            each.plan.tag,
            each.plan.line.name,
            each.plan.line.pbs,
            ", ".join(payload.platform.name for payload in each.plan.payloads),
            human_bytes(each.plan.payload_bytes),
            human_seconds(seconds[each.plan.line]) if built else "",
            each.commit[:12],
            each.state.value,
        ]
        for each in tagged
    ]
    titles = [Column("tag"), Column("Python"), Column("PBS"), Column("platforms", folds=True)]
    numbers = [Column("payload", right=True), Column("time", right=True)]
    session.console.table([*titles, *numbers, Column("commit"), Column("state")], rows)


def _summarize(tagged: Sequence[Tagged], origins: Mapping[str, str], session: Session) -> None:
    """What was tagged, and where each payload comes from."""
    tags_made = markdown_table(
        [Column("tag"), Column("Python"), Column("payload", right=True), Column("state")],
        [
            [
                each.plan.tag,
                each.plan.line.name,
                human_bytes(each.plan.payload_bytes),
                each.state.value,
            ]
            for each in tagged
        ],
    )
    cells = markdown_table([Column("cell"), Column("payload")], list(origins.items()))
    session.summary(f"### Tags\n\n{tags_made}\n{cells}")


def how_to_use(repository: Path, tagged: Sequence[Tagged]) -> list[str]:
    """The lines that make Go take the module from a repository of this machine."""
    module = tagged[0].plan.module_path
    root = "/".join(module.split("/")[:3])
    newest = max((each.plan.tag for each in tagged), key=tags.sort_key)
    rows = [
        "To use it from Go:",
        "",
        "  export GIT_CONFIG_COUNT=1",
        f"  export GIT_CONFIG_KEY_0={shlex.quote(f'url.{repository.as_uri()}.insteadOf')}",
        f"  export GIT_CONFIG_VALUE_0=https://{root}",
        f"  export GOPRIVATE={root} GOFLAGS=-modcacherw",
        f"  export GOMODCACHE={shlex.quote(str(repository.parent / 'gomodcache'))}",
        "  mkdir hello && cd hello && go mod init hello",
        f"  go get {module}@latest    # {newest}",
    ]
    rows += [f"  go get {module}@{each.plan.tag}" for each in tagged if each.plan.tag != newest]
    return [*rows, f"  go run {module}/example"]


def _run_tool(command: Sequence[str]) -> ProcessResult:
    """Run a program of this environment, or else of PATH."""
    beside = Path(sysconfig.get_path("scripts"), command[0])
    program = str(beside) if beside.is_file() else command[0]
    return run([program, *command[1:]], timeout_s=60)
