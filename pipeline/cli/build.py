"""``goempy build``: payloads of cells, several at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from pipeline.build.cell import CellPlan
from pipeline.build.model import Kind
from pipeline.build.runner import BuildRequest, build_payloads
from pipeline.cli import parameters
from pipeline.cli.built_table import show_built
from pipeline.cli.context import Context, pass_context
from pipeline.cli.help import goempy_command
from pipeline.config.cells import cells_named
from pipeline.config.model import PIP_CELL
from pipeline.config.project import read_matrix
from pipeline.formats.payload.tarball import pack_payloads
from pipeline.system.console import Console
from pipeline.system.units import human_bytes


@goempy_command(
    "build",
    example="goempy build 3.14.9/linux-amd64 pip --out dist/payloads",
    environment=["GOEMPY_PBS_MIRROR", "GOEMPY_CACHE_DIR", "GITHUB_STEP_SUMMARY"],
)
@click.argument("names", nargs=-1, required=True, metavar="CELL...")
@click.option(
    "--out",
    type=parameters.GIT_PATH,
    required=True,
    metavar="DIR",
    help="Payload directory; a payload goes to DIR/CELL.",
)
@click.option(
    "--explain",
    is_flag=True,
    help="List what is dropped, with reasons, and what remains, by size.",
)
@click.option(
    "--pack",
    type=parameters.GIT_PATH,
    metavar="FILE",
    help="Also write a tar of the payloads, for 'goempy unpack'.",
)
@parameters.source
@pass_context
def command(
    context: Context,
    names: tuple[str, ...],
    out: Path,
    explain: bool,
    pack: Path | None,
    source: str,
) -> None:
    """Build each CELL, such as 3.14.9/linux-amd64, or pip."""
    matrix = read_matrix(context.root)
    cells = cells_named(names, matrix, with_pip=True)
    request = BuildRequest(cells, matrix, out.resolve(), wheels=PIP_CELL in names)
    with context.lock(request.out):
        built = build_payloads(request, context.fetcher(matrix, source), context.console)
        if pack is not None:
            pack_payloads(request.out, sorted(set(names)), pack.resolve())
    if explain:
        for each in built.cells:
            _explain(each.plan, context.console)
    show_built(built, context)


def _explain(plan: CellPlan, console: Console) -> None:
    """Every dropped file with its reason, and what remains, the largest first."""
    console.result(f"\n{plan.cell.name}: dropped")
    for row in _dropped_rows(plan):
        console.result(row)
    console.result(f"\n{plan.cell.name}: shipped")
    for row in _shipped_rows(plan):
        console.result(row)


def _shipped_rows(plan: CellPlan) -> Iterator[str]:
    files = [member for member in plan.trim.kept if member.kind is not Kind.DIR]
    for member in sorted(files, key=lambda m: (-plan.shipped_size(m), m.name)):
        shipped = plan.shipped_size(member)
        saved = member.size_bytes - shipped
        notes = f"  ({human_bytes(saved)} of debug sections and symbols dropped)" if saved else ""
        if member.content in plan.inventory.notes:
            notes = f"  ({plan.inventory.notes[member.content]})"
        if member.kind is Kind.LINK:
            notes = f" -> {member.target}"
        yield f"{shipped:>12,}  {member.name}{notes}"


def _dropped_rows(plan: CellPlan) -> Iterator[str]:
    for reason, members in plan.trim.by_reason():
        total = human_bytes(sum(member.size_bytes for member in members))
        yield f"# {reason}: {len(members)} files, {total}"
        for member in members:
            yield f"{member.size_bytes:>12,}  {member.name}"
